"""From the files of a domain to its rules.  source -> parser, tables -> checks -> [ruleset] -> normal_form, index

Takes the text of every file (`*.grl`, `*.csv`), gives the checked rules in source order and the digest that versions
them; or one `RulesetRejected` with every problem of every file. A ruleset loads whole or not at all. It opens no file
(`rulesets.loader` does)."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from engine.checks import check_rules
from engine.dates import with_dates
from engine.errors import Diagnostic, RulesetRejected
from engine.nodes import Rule
from engine.parser import MAX_RULES, read_rules
from engine.printer import print_rules
from engine.schema import Schema
from engine.source import Source, TooManyProblems, open_source
from engine.tables import read_table


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules of one domain, checked."""

    #: In source order: files by name, then top to bottom.
    rules: tuple[Rule, ...]
    #: The text of every file by name, as it was given.
    sources: Mapping[str, str | bytes]
    #: sha256 of the canonical source, in hex: the version of the ruleset.
    digest: str
    #: What is odd, but does not stop the load.
    warnings: tuple[Diagnostic, ...]
    #: None: every field is optional and of any kind.
    schema: Schema | None


def read_sources(sources: Mapping[str, str | bytes], schema: Schema | None = None) -> Ruleset:
    """Read, check and version a ruleset.

    Args:
        sources: content by file name; the ending says what it is: `.grl` rules, `.csv` a decision table.
        schema: the facts of the domain; default None: every field is optional and of any kind.

    Returns:
        The ruleset.

    Raises:
        RulesetRejected: something is wrong; every problem of every file is in it.
    """
    list_facts = None if schema is None else schema.list_facts
    rules: list[Rule] = []
    opened: dict[str, Source] = {}
    for name in sorted(sources):
        source, readable = open_source(name, sources[name])
        opened[name] = source
        if not readable:
            continue
        if name.lower().endswith(".grl"):
            rules += read_rules(source, list_facts)
        elif name.lower().endswith(".csv"):
            rules += read_table(source, schema)
        else:
            source.report("source-kind", 0, 1, f"'{name}' is neither rules nor a table", "name it *.grl or *.csv")
    if schema is not None:
        rules = [with_dates(rule, schema) for rule in rules]
    _check_names(rules, opened)
    check_rules(rules, schema, opened)
    problems = [diagnostic for source in opened.values() for diagnostic in source.sorted_diagnostics()]
    if any(problem.severity == "error" for problem in problems):
        raise RulesetRejected(problems)
    return Ruleset(tuple(rules), dict(sources), _digest(rules, schema), tuple(problems), schema)


def _check_names(rules: list[Rule], opened: Mapping[str, Source]) -> None:
    """Rule names are unique in a ruleset, and there are not too many of them."""
    first: dict[str, Rule] = {}
    for rule in rules:
        known = first.setdefault(rule.name, rule)
        if known is not rule and rule.span is not None and known.span is not None:
            place = f"{known.span.source}:{known.span.line}"
            with suppress(TooManyProblems):
                opened[rule.span.source].report_at(
                    rule.span, "rule-duplicate", f"there is a rule '{rule.name}' already, at {place}"
                )
    if len(rules) > MAX_RULES:
        span = rules[MAX_RULES].span
        if span is not None:
            with suppress(TooManyProblems):
                opened[span.source].report_at(span, "too-many-rules", f"a ruleset has at most {MAX_RULES:,} rules")


def _digest(rules: list[Rule], schema: Schema | None) -> str:
    canonical = print_rules(rules) + "\n" + (schema.canonical() if schema else "")
    return hashlib.sha256(canonical.encode()).hexdigest()
