"""Read which calls rules may make.  keys -> [calls] -> reader

Takes the table `emit` as TOML has it. A call is declared by its name and the kinds of its arguments; firing it puts an
entry into the verdict's events. Every problem is reported, with its place, to whoever reads the file."""

import re
from collections.abc import Mapping
from typing import Any

from engine.schema.keys import EMIT
from engine.schema.schema import KINDS, CallSchema, Kind
from engine.schema.shared_facts import Report
from engine.suggestions import did_you_mean

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ACTIONS = ("accept", "review", "reject", "log", "retract", "complete")
_WORDS = ("rule", "when", "then", "in", "exists", "forall", "true", "false", "null", "nil")
#: Words that mean something else where an action begins, in any case: no call of such a name could be made.
TAKEN = frozenset((*_ACTIONS, *_WORDS))


def read_calls(tables: object, report: Report) -> dict[str, CallSchema]:
    """The calls that are declared, by name.

    Args:
        tables: what stands under `emit`.
        report: takes the problems.
    """
    if not isinstance(tables, dict):
        report("schema-value", "'emit' has to hold tables", "emit", "", "write [emit.SendAlert]")
        return {}
    return {name: _call(name, table, report) for name, table in tables.items()}


def _call(name: str, table: object, report: Report) -> CallSchema:
    place = f"emit.{name}"
    if not _NAME.match(name):
        report("schema-name", f"'{name}' is no name for a call", place, "", "letters, digits and _ only")
    if name.lower() in TAKEN:
        report("schema-name", f"'{name}' is a word of the language, and can't be called", place, "", "")
    if not isinstance(table, dict):
        report("schema-value", f"call '{name}' has to be a table", "emit", name, 'write args = ["text"] below it')
        return CallSchema(name, ())
    for key in table:
        if key not in EMIT.names:
            hint = did_you_mean(key, EMIT.names) or f"known: {', '.join(EMIT.names)}"
            report("schema-unknown-key", f"call '{name}' has no key '{key}'", place, key, hint)
    description = table.get("description", "")
    if not isinstance(description, str):
        report("schema-value", f"'description' of call '{name}' has to be text", place, "description", "")
    return CallSchema(name, _args(table, name, place, report), str(description))


def _args(table: Mapping[str, Any], name: str, place: str, report: Report) -> tuple[Kind, ...]:
    args = table.get("args", [])
    if not isinstance(args, list):
        report("schema-value", f"'args' of call '{name}' has to be a list of kinds", place, "args", 'such as ["text"]')
        return ()
    for kind in args:
        if not isinstance(kind, str) or kind not in KINDS:
            hint = did_you_mean(str(kind), KINDS) or f"a kind is one of: {', '.join(KINDS)}"
            report("schema-kind", f"'{kind}' is no kind of an argument", place, "args", hint)
    known: dict[object, Kind] = {kind: kind for kind in KINDS}
    return tuple(known[arg] for arg in args if isinstance(arg, str) and arg in known)
