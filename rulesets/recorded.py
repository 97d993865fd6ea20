"""Compile a ruleset from its published sources, as the store keeps them.  files -> [recorded] -> program

For judging by what is published, and for explaining a verdict with the rules of then. What is to be published is read
from its folder (`rulesets.loader`)."""

from collections.abc import Mapping

from engine import Program, Schema, SchemaRejected, compile_ruleset, parse_schema
from rulesets.folders import SCHEMA_FILE, RulesetUnreadable
from rulesets.loader import LoadedRuleset


def recorded_schema(sources: Mapping[str, str | bytes]) -> Schema | None:
    """The schema of a ruleset that was published.

    Args:
        sources: content by shown path.

    Returns:
        None if it has no schema, or one that the engine of today does not take.
    """
    for name, content in sources.items():
        if name.rpartition("/")[2] == SCHEMA_FILE:
            try:
                return parse_schema(content, name)
            except SchemaRejected:
                return None
    return None


def compile_recorded(sources: Mapping[str, str | bytes]) -> Program:
    """Compile the files that were published as one ruleset.

    Args:
        sources: content by shown path; the schema is the file called domain.toml.

    Returns:
        The program.

    Raises:
        engine.SchemaRejected, engine.RulesetRejected: the engine of today does not take the files of then.
    """
    rules = {name: content for name, content in sources.items() if name.rpartition("/")[2] != SCHEMA_FILE}
    schemas = [parse_schema(content, name) for name, content in sources.items() if name not in rules]
    # Rows that get in each other's way were looked for before the ruleset was published.
    return compile_ruleset(rules, schema=schemas[0] if schemas else None, overlaps=False)


def load_recorded(domain: str, digest: str, sources: Mapping[str, bytes]) -> LoadedRuleset:
    """A ruleset that was published, as a worker judges by it.

    Args:
        domain: whose it is.
        digest: that it was published under. It stays that, however the engine of today would print the rules.
        sources: content by shown path.

    Raises:
        RulesetUnreadable: it was published without its domain.toml.
        engine.SchemaRejected, engine.RulesetRejected: the engine of today does not take the files of then.
    """
    program = compile_recorded(sources)
    if program.schema is None:
        message = f"the ruleset {digest[:12]} of {domain} was published without its {SCHEMA_FILE}"
        raise RulesetUnreadable("ruleset-unreadable", message, "publish it again: 'rulefarm rules publish'")
    return LoadedRuleset(domain, program, sources, program.schema, digest, None, sources)
