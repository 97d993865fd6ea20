"""From the files of a domain to its rules.  language, tables, checks -> [ruleset] -> program, lint

Takes the content of every file (`*.grl`, `*.csv`, `*.xlsx`), gives the checked rules in source order and the digest
that versions them; or one `RulesetRejected` with every problem of every file. A ruleset loads whole or not at all. It
opens no file (`rulesets.loader` does)."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from engine.checks import check_rules, with_dates, with_windows
from engine.collector import no_collector
from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.language import MAX_RULES, Rule, Source, TooManyProblems, open_source, print_rules, read_rules
from engine.schema import Schema
from engine.tables import read_table


@dataclass(frozen=True)
class Ruleset:
    """All rules of one domain, checked."""

    #: In source order: files by name, then top to bottom.
    rules: tuple[Rule, ...]
    #: The content of every file by name, as it was given.
    sources: Mapping[str, str | bytes]
    #: What is odd, but does not stop the load.
    warnings: tuple[Diagnostic, ...]
    #: None: every field is optional and of any kind.
    schema: Schema | None
    #: The names of files that are called otherwise here, for the digest.
    lasting_names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The version of the ruleset: sha256 of the canonical source, in hex.

        Made for the first who asks: a worker, which knows what it judges by under the digest that it was published
        with, never does, and printing all rules takes a third of the time that reading them takes."""
        names = self.lasting_names
        lasting = [_lasting(rule, names) for rule in self.rules] if names else self.rules
        canonical = print_rules(lasting) + "\n" + (self.schema.canonical() if self.schema else "")
        return hashlib.sha256(canonical.encode()).hexdigest()


@no_collector()
def read_sources(
    sources: Mapping[str, str | bytes],
    schema: Schema | None = None,
    *,
    lasting_names: Mapping[str, str] | None = None,
    overlaps: bool = True,
) -> Ruleset:
    """Read, check and version a ruleset.

    Args:
        sources: content by file name; the ending says what it is: `.grl` rules, `.csv` a decision table, `.xlsx` a
            workbook of them.
        schema: the facts of the domain; default None: every field is optional and of any kind.
        lasting_names: for the digest, the names of files that are called otherwise here; default: they are not.
        overlaps: whether tables are looked through for rows that get in each other's way, which can be an error;
            default True. False is for what was looked through before: it takes longer than all else.

    Returns:
        The ruleset.

    Raises:
        RulesetRejected: something is wrong; every problem of every file is in it.
    """
    list_facts, calls = (None, ()) if schema is None else (schema.list_facts, tuple(schema.calls))
    rules: list[Rule] = []
    opened: dict[str, Source] = {}
    for name in sorted(sources):
        if name.lower().endswith(".xlsx"):
            rules += _workbook_rules(name, sources[name], schema, opened, overlaps)
            continue
        source, readable = open_source(name, sources[name])
        opened[name] = source
        if not readable:
            continue
        if name.lower().endswith(".grl"):
            rules += read_rules(source, list_facts, calls)
        elif name.lower().endswith(".csv"):
            rules += read_table(source, schema, overlaps=overlaps)
        else:
            source.report(
                "source-kind", 0, 1, f"'{name}' is neither rules nor a table", "name it *.grl, *.csv or *.xlsx"
            )
    if _may_hold_dates(sources, schema):
        rules = [with_dates(rule, schema) for rule in rules]
    if schema is not None and schema.streams:
        rules = [with_windows(rule, schema) for rule in rules]
    _check_names(rules, opened)
    check_rules(rules, schema, opened)
    problems = [diagnostic for source in opened.values() for diagnostic in source.sorted_diagnostics()]
    if any(problem.severity == "error" for problem in problems):
        raise RulesetRejected(problems)
    return Ruleset(tuple(rules), dict(sources), tuple(problems), schema, lasting_names or {})


def _may_hold_dates(sources: Mapping[str, str | bytes], schema: Schema | None) -> bool:
    """Whether dates have to be looked for: where there can be none, that would be a sixth of the load for nothing."""
    if schema is not None:
        kinds = {field.kind for fact in schema.facts.values() for field in fact.fields.values()}
        if {"date", "time", "duration"} & kinds.union(*(call.args for call in schema.calls.values())):
            return True
    return any(name.lower().endswith(".xlsx") or _names_date(content) for name, content in sources.items())


def _names_date(content: str | bytes) -> bool:
    """Whether anything stands there that a date is written with, if no schema says that a text is one."""
    text = content if isinstance(content, str) else content.decode("latin-1")
    return "@" in text or "date" in text.lower()


def _workbook_rules(
    name: str, content: str | bytes, schema: Schema | None, opened: dict[str, Source], overlaps: bool
) -> list[Rule]:
    # openpyxl takes a quarter of a second to import: too much for every start, when few domains have a workbook.
    from engine.tables.workbook import read_workbook  # noqa: PLC0415

    book, sheets = read_workbook(name, content.encode("utf-8", "replace") if isinstance(content, str) else content)
    opened[name] = book
    rules: list[Rule] = []
    for sheet in sheets:
        opened[sheet.name] = sheet
        if not any(found.severity == "error" for found in sheet.diagnostics):
            rules += read_table(sheet, schema, overlaps=overlaps)
    return rules


def _check_names(rules: list[Rule], opened: Mapping[str, Source]) -> None:
    """Rule names are unique in a ruleset, and there are not too many of them."""
    first: dict[str, Rule] = {}
    for rule in rules:
        namesake = first.setdefault(rule.name, rule)
        if namesake is not rule and rule.span is not None and namesake.span is not None:
            place = f"{namesake.span.source}:{namesake.span.line}"
            with suppress(TooManyProblems):
                opened[rule.span.source].report_at(
                    rule.span, "rule-duplicate", f"there is a rule '{rule.name}' already, at {place}"
                )
    if len(rules) > MAX_RULES:
        span = rules[MAX_RULES].span
        if span is not None:
            with suppress(TooManyProblems):
                opened[span.source].report_at(span, "too-many-rules", f"a ruleset has at most {MAX_RULES:,} rules")


def _lasting(rule: Rule, lasting_names: Mapping[str, str]) -> Rule:
    """The rule of a table, in whose group the table's name stands, as it is called wherever the files stand."""
    name, mark, sheet = (rule.activation_group or "").partition("!")
    return replace(rule, activation_group=f"{lasting_names[name]}{mark}{sheet}") if name in lasting_names else rule
