"""What is odd about a ruleset as a whole.  program -> [oddities] -> `rulefarm rules check`

Takes a program, gives warnings: rules that never fire, repeat or contradict others or feed themselves, and fields that
nobody uses. It is made when somebody asks, not at every load: it costs more than compiling does, and a worker that
starts can do nothing about it. The work is bounded, and what was left out is told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.diagnostics import Diagnostic, Span
from engine.evaluation import Evaluation
from engine.language import Rule, Source, open_source
from engine.lint.conflicts import Evaluate, contradictions, self_feeding
from engine.lint.feasibility import FeasibleSets, WitnessFacts
from engine.lint.reachability import LintWarning, silenced, unreachable
from engine.program import Program
from engine.ruleset import Ruleset
from engine.schema import Schema

#: Warnings of one code that are worth reading at once.
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
    >>> [found.code for found in review(program)]
    ['rule-never']
    """
    rules, schema = program.rules, program.schema
    extents = FeasibleSets(rules, schema)
    counts: dict[str, int] = {}
    found: list[Diagnostic] = []
    lines = _Lines(sources or {})
    told = {diagnostic.span for diagnostic in program.warnings if diagnostic.code.startswith("table-")}
    for remark in _remarks(rules, schema, extents):
        counts[remark.code] = counts.get(remark.code, 0) + 1
        span = remark.node.span
        if counts[remark.code] <= MAX_WARNINGS and (span is None or span not in told):
            found.append(Diagnostic(remark.code, "warning", span, remark.message, remark.hint, lines.line(span)))
    if schema is not None:
        found += [replace(one, source_line=lines.line(one.span)) for one in _unused(program, schema)]
    for code, count in counts.items():
        if count > MAX_WARNINGS:
            message = f"{count - MAX_WARNINGS:,} more of '{code}' are not shown"
            found.append(Diagnostic("too-many-problems", "warning", None, message))
    return tuple(sorted(found, key=lambda one: (one.span.source, one.span.line) if one.span else ("~", 0)))


def _remarks(rules: Sequence[Rule], schema: Schema | None, extents: FeasibleSets) -> Iterator[LintWarning]:
    yield from unreachable(rules, extents)
    yield from silenced(rules, extents)
    yield from contradictions(rules, extents, schema, _judge)
    yield from self_feeding(rules, extents, schema, _judge)


def _judge(rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> Evaluate:
    """Rules by themselves, as a program of their own."""
    program = Program(Ruleset(tuple(rules), {}, "", (), schema), max_firings)

    def judge(facts: WitnessFacts) -> Evaluation:
        return program.evaluate(facts.facts, as_of=facts.as_of)

    return judge


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
