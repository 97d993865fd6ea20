"""The review of a ruleset that compiles: every warning of `engine.lint`, and those about fields that nobody uses.

Takes a program, gives warnings for `rulefarm rules check`: rules that never fire, repeat or contradict others or feed
themselves, actions without an effect, fields that no rule reads or writes. Runs only when somebody asks, not at every
load: it costs more than compiling does, and a worker that starts can do nothing about it. The work is bounded, and a
warning says what was left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.diagnostics import Diagnostic, Span
from engine.evaluation import Evaluation
from engine.language import Rule, Source, open_source
from engine.lint.ascii_patterns import ascii_patterns
from engine.lint.conflicts import Evaluate, contradictions, self_feeding
from engine.lint.day_comparisons import changed_days
from engine.lint.feasibility import FeasibleSets, WitnessFacts
from engine.lint.idle_actions import idle_actions
from engine.lint.reachability import LintWarning, shadowed, unreachable
from engine.program import Program
from engine.ruleset import Ruleset
from engine.schema import Schema

#: Warnings of one code that are shown; more of them are counted.
MAX_WARNINGS = 50


def review(program: Program, sources: Mapping[str, str | bytes] | None = None) -> tuple[Diagnostic, ...]:
    """Look for rules that can't do what their authors meant, and for fields that nobody uses.

    Args:
        program: the ruleset; its own warnings are not repeated.
        sources: content by file name, for the lines that diagnostics show; default: they show none.

    Returns:
        Warnings, in the order of their places. Those of rules that show facts were tried with these facts.

    >>> from engine.program import compile_ruleset
    >>> program = compile_ruleset({"a.grl": "rule r { when A.b > 2 && A.b < 1 then Reject(); }"})
    >>> [warning.code for warning in review(program)]
    ['rule-never']
    """
    rules, schema = program.rules, program.schema
    counts: dict[str, int] = {}
    diagnostics: list[Diagnostic] = []
    lines = _Lines(sources or {})
    # A row of a table that its analysis warned of already.
    reported = {diagnostic.span for diagnostic in program.warnings if diagnostic.code.startswith("table-")}
    for warning in _warnings(rules, schema):
        counts[warning.code] = counts.get(warning.code, 0) + 1
        span = warning.node.span
        if counts[warning.code] <= MAX_WARNINGS and (span is None or span not in reported):
            diagnostics.append(
                Diagnostic(warning.code, "warning", span, warning.message, warning.hint, lines.line(span))
            )
    if schema is not None:
        diagnostics += [replace(one, source_line=lines.line(one.span)) for one in _unused(program, schema)]
    for code, count in counts.items():
        if count > MAX_WARNINGS:
            message = f"{count - MAX_WARNINGS:,} more of '{code}' are not shown"
            diagnostics.append(Diagnostic("too-many-problems", "warning", None, message))
    return tuple(sorted(diagnostics, key=lambda one: (one.span.source, one.span.line) if one.span else ("~", 0)))


def _warnings(rules: Sequence[Rule], schema: Schema | None) -> Iterator[LintWarning]:
    sets = FeasibleSets(rules, schema)
    yield from unreachable(rules, sets)
    yield from shadowed(rules, sets)
    yield from contradictions(rules, sets, schema, _compile)
    yield from self_feeding(rules, sets, schema, _compile)
    yield from idle_actions(rules, sets, schema)
    yield from changed_days(rules)
    yield from ascii_patterns(rules, schema)


def _compile(rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> Evaluate:
    """Compile rules by themselves."""
    program = Program(Ruleset(tuple(rules), {}, (), schema), max_firings)

    def evaluate(facts: WitnessFacts) -> Evaluation:
        return program.evaluate(facts.facts, as_of=facts.as_of)

    return evaluate


def _unused(program: Program, schema: Schema) -> Iterator[Diagnostic]:
    """Fields that no rule reads or writes, and derived ones that no rule writes."""
    reads, writes = program.reads, program.writes
    for stream in schema.streams:
        # An event is made of the fields of its fact: whoever reads the one reads the other.
        owner, columns = stream.key[0], schema.facts[stream.name].fields
        reads |= {f"{owner}.{name}" for name in columns if stream.name in reads or f"{stream.name}.{name}" in reads}
        reads |= {".".join(named) for named in (stream.key, stream.time) if named is not None} | {stream.name}
    for fact in schema.facts.values():
        if fact.name in reads:
            continue
        idle = [field for field in fact.fields.values() if f"{fact.name}.{field.name}" not in reads | writes]
        for field in fact.fields.values():
            if field.derived and f"{fact.name}.{field.name}" not in writes:
                message = f"{fact.name}.{field.name} is derived, and no rule writes it"
                yield Diagnostic("field-unwritten", "warning", field.span, message, "write it, or let jobs send it")
        sent = [f for f in idle if not f.derived and (fact.name, f.name) != (schema.subject, schema.key)]
        if sent:
            message = f"no rule reads {', '.join(f'{fact.name}.{field.name}' for field in sent)}"
            yield Diagnostic(
                "field-unused", "warning", sent[0].span, message, "drop them, if nobody needs their checks"
            )


class _Lines:
    """Lines of the sources, for diagnostics."""

    def __init__(self, sources: Mapping[str, str | bytes]) -> None:
        self._sources = sources
        self._opened: dict[str, Source] = {}

    def line(self, span: Span | None) -> str:
        """The line that a place is on; empty for a sheet."""
        if span is None or span.source not in self._sources:
            return ""
        if span.source not in self._opened:
            self._opened[span.source] = open_source(span.source, self._sources[span.source])[0]
        return self._opened[span.source].line(span.line)
