"""The front door of the engine: compile a ruleset, and judge facts or frames with it.

A `Program` never changes once it is made and may be shared between threads. No I/O, no clock:
`as_of` says when a job is judged. Whatever the facts are, `evaluate` raises nothing; an `as_of` that is no instant is
refused."""

import weakref
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from engine.collector import no_collector
from engine.columnar import (
    FormOfRows,
    FrameEvaluator,
    FrameForms,
    FrameResult,
    RowEvaluator,
    lengths_of,
    pays,
    pays_whole,
    unpacked,
)
from engine.compiler import compile_rules
from engine.diagnostics import Diagnostic
from engine.errors import FactsRejected
from engine.evaluation import Candidates, Evaluation, error_evaluation, judged_at, run_cycle
from engine.facts import CANDIDATES, KnownNames, reads
from engine.functions import FUNCTIONS
from engine.language import Assign, Call, Path, Pattern, Rule, pattern_of, rule_expressions, walk
from engine.matching import validity
from engine.ruleset import Ruleset, read_sources
from engine.schema import Schema, doubled

if TYPE_CHECKING:
    import polars

    from engine.values import ValueSet

#: More firings than that, and a rule among them that fired before, is taken for a loop.
MAX_FIRINGS = 1_000
#: Different times of rules up to which it is asked in which of them an instant is: each is looked at by itself.
_MOST_TIMES = 100
#: Classes of facts whose code is generated beforehand, if somebody wants that; each takes milliseconds.
_WARM_CLASSES = 64


@no_collector()
def compile_ruleset(
    sources: Mapping[str, str | bytes],
    schema: Schema | None = None,
    *,
    max_firings: int = MAX_FIRINGS,
    lasting_names: Mapping[str, str] | None = None,
    overlaps: bool = True,
) -> "Program":
    """Compile a ruleset.

    Args:
        sources: content by file name; the ending says what it is: `.grl` rules, `.csv` a decision table,
            `.xlsx` a workbook of them.
        schema: the facts of the domain; default None: every field is optional and of any kind.
        max_firings: firings in one evaluation, from which on a rule that fires again is a loop; default 1,000.
        lasting_names: for the digest, the names of files that are called otherwise here, for they may stand anywhere;
            default: they are not.
        overlaps: whether tables are looked through for rows that get in each other's way; default True. False is for
            a ruleset that was looked through before.

    Returns:
        The program.

    Raises:
        RulesetRejected: something is wrong; every problem of every file is in it.

    >>> from datetime import UTC
    >>> program = compile_ruleset({"a.grl": 'rule R { when P.price < 1 then Reject("cheap"); }'})
    >>> program.evaluate({"P": {"price": 0.5}}, as_of=datetime(2026, 1, 1, tzinfo=UTC)).outcome
    'reject'
    """
    return Program(read_sources(sources, schema, lasting_names=lasting_names, overlaps=overlaps), max_firings)


class Program:
    """A compiled ruleset."""

    @no_collector()
    def __init__(self, ruleset: Ruleset, max_firings: int = MAX_FIRINGS) -> None:
        """Compile a ruleset that was read and checked.

        Args:
            ruleset: its rules.
            max_firings: as for `compile_ruleset`.
        """
        self._ruleset = ruleset
        #: Firings in one evaluation, from which on a rule that fires again is a loop.
        self.max_firings = max_firings
        #: What its rules became, for `engine.explanation`: it is run there with other eyes on it.
        self.compiled = compiled = compile_rules(ruleset.rules, ruleset.schema, max_firings)
        self._agenda = compiled.agenda
        self._chains = compiled.chains
        self._read = compiled.reader.read
        names = ruleset.schema.sent_names if ruleset.schema is not None else None
        #: None where nothing has another name: then nobody asks for one.
        self._sent_names = names or None
        self._names = KnownNames(ruleset.schema) if ruleset.schema is not None else None
        self._findings = sum(len(index.slots) for index in compiled.elements)
        # Weakly: nothing of a program holds it, so that counting alone frees it when nobody judges by it any more.
        itself: Program = weakref.proxy(self)
        self._chunks = FrameEvaluator(compiled, lambda facts, as_of: itself.evaluate(facts, as_of=as_of))
        self._forms = FrameForms()
        self._rows = RowEvaluator(compiled, lambda facts, as_of: itself.evaluate(facts, as_of=as_of))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in source order."""
        return self._ruleset.rules

    @property
    def digest(self) -> str:
        """The version: sha256 of the canonical source, in hex."""
        return self._ruleset.digest

    @property
    def schema(self) -> Schema | None:
        """The facts of the domain; None: every field is optional and of any kind."""
        return self._ruleset.schema

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is odd about the ruleset, but did not stop it."""
        return self._ruleset.warnings

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every `Fact.field` that some rule reads; `+=` reads what it writes, plain `=` does not."""
        return frozenset(chain.from_iterable(map(fields_read, self.rules)))

    @cached_property
    def writes(self) -> frozenset[str]:
        """Every `Fact.field` that some rule writes."""
        return frozenset(_field(action.target) for rule in self.rules for action in _assigns(rule))

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The patterns of the rules, in source order."""
        patterns = (pattern_of(rule.condition) for rule in self.rules)
        return tuple(pattern for pattern in patterns if pattern is not None)

    @cached_property
    def _times(self) -> "list[ValueSet] | None":
        """When rules are in force that are not always; None: a rule asks for the instant itself, or they are many."""
        nodes = chain.from_iterable(map(walk, chain.from_iterable(map(rule_expressions, self.rules))))
        if self.patterns or any(isinstance(node, Call) and FUNCTIONS[node.name].timed for node in nodes):
            return None
        bounds = {(rule.date_effective, rule.date_expires): rule for rule in self.rules}
        times = [time for time in map(validity, bounds.values()) if time is not None]
        return times if len(times) <= _MOST_TIMES else None

    def in_force(self, as_of: datetime) -> tuple[bool, ...] | None:
        """What tells an instant from another: those that give the same have the same answer, whatever the facts.

        Args:
            as_of: one without a zone means UTC.

        Returns:
            Of each time in which some rules are in force, whether it is in it; None: each instant is one of its own.
        """
        if self._times is None:
            return None
        at = judged_at(as_of)
        return tuple([at in time for time in self._times])

    def evaluate(
        self,
        facts: Mapping[str, Any],
        *,
        as_of: datetime,
        candidates: Candidates | None = None,
    ) -> Evaluation:
        """Judge one set of facts.

        Args:
            facts: each fact under its name: an object, or a list of objects. It is not changed.
            as_of: the moment it is judged at; one without a zone means UTC.
            candidates: asked when a rule has come to its pattern, gives choices among which are all that hold: for
                each binding that is no absence a place in the window. They are tried exactly, so the answer is the
                same without. Default None, which it may also give: all are tried.

        Returns:
            The evaluation; facts that break the schema give the outcome `error`.

        Raises:
            EngineError: `as_of` is no instant (`bad-as-of`).
        """
        try:
            if self._sent_names is not None:
                facts = self.own_names(facts)
            slots = self._read(facts, judged_at(as_of))
        except FactsRejected as rejected:
            return error_evaluation(rejected.code, rejected.message, facts)
        slots[CANDIDATES] = candidates
        if self._chains is not None:
            evaluation = self._chains.judge(slots, facts)
            if evaluation is not None:
                return evaluation
            slots = self._read(facts, judged_at(as_of))
            slots[CANDIDATES] = candidates
        return run_cycle(self._agenda, slots, facts)

    def warm_up(self) -> None:
        """Generate what would else be generated when the first facts of a class come: they would wait for it."""
        if self._chains is not None:
            self._chains.warm_up(_WARM_CLASSES)

    def refuses(self, facts: Mapping[str, Any], *, as_of: datetime) -> bool:
        """Whether facts break the schema, so that `evaluate` gives the outcome `error` for them.

        Args:
            facts: as for `evaluate`.
            as_of: as for `evaluate`.
        """
        try:
            self._read(self.own_names(facts), judged_at(as_of))
        except FactsRejected:
            return True
        return False

    def own_names(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Facts under the names that the domain has for them.

        Args:
            facts: as they were sent, maybe by names of another system; not changed.

        Raises:
            FactsRejected: something came by two of its names.
        """
        if self._sent_names is None or not isinstance(facts, Mapping):
            return facts
        renamed, problems = self._sent_names.renamed(facts)
        if problems:
            raise FactsRejected(problems)
        return renamed

    def unknown_names(self, facts: Mapping[str, Any]) -> list[str]:
        """What facts have beside all that the domain knows, in sentences with the nearest name.

        None without a schema, nor with a strict one: there it is an error.

        Args:
            facts: as they were sent, without those that others keep; not changed.
        """
        if self._names is None or self.schema is None or self.schema.strict or not isinstance(facts, Mapping):
            return []
        return self._names.unknown(facts if self._sent_names is None else self.schema.with_own_names(facts))

    def unknown_columns(self, columns: Iterable[str], fact: str) -> list[str]:
        """What `unknown_names` says of every row of a frame.

        Args:
            columns: their names, as they were sent.
            fact: whose fields they are.
        """
        return self.unknown_names({fact: dict.fromkeys(columns)})

    def evaluate_frame(self, frame: "polars.DataFrame", *, fact: str | None, as_of: datetime) -> FrameResult:
        """Judge every row of a frame by itself; refuses as `evaluate` does.

        Args:
            frame: one row per subject.
            fact: the fact whose fields the columns are; None: each column is a whole fact, an object or a list of them.
            as_of: the moment they are judged at; one without a zone means UTC.

        Returns:
            What `evaluate` says about each row.
        """
        moment_of_all, names = judged_at(as_of), self._sent_names
        form, frame = self._forms.of(frame)
        if fact is None:
            fact, frame, form = unpacked(frame, form)
            fact = fact if names is None or fact is None else names.fact(fact)
        lengths = lengths_of(frame, form) if fact is None else {}
        is_strict = self.schema is not None and self.schema.strict
        is_plain = names is None and not is_strict
        if names is not None:
            own = {name: names.fact(name) if fact is None else names.field(fact, name) for name in frame.columns}
            if doubled(own.values()):
                # Which of the two a row has is seen row by row.
                return self._rows.judge(frame, None, fact, moment_of_all)
            frame = frame.rename(own)
        if pays_whole(len(frame), form, lengths, self._findings) if fact is None else pays(frame):
            if fact is None and is_plain:
                result = self._chunks.judge_whole(frame, form.dtypes, moment_of_all)
                if result is not None:
                    return result
            if fact is not None and not self._refuses_columns(frame, fact):
                return self._chunks.judge(frame, fact, moment_of_all)
        return self._rows.judge(frame, FormOfRows(form, lengths) if is_plain else None, fact, moment_of_all)

    def _refuses_columns(self, frame: "polars.DataFrame", fact: str) -> bool:
        """Whether a strict schema refuses every row for the name of a column."""
        return bool(
            self.schema and self.schema.strict and self._names and self._names.unknown_columns(fact, frame.columns)
        )


def fields_read(rule: Rule) -> set[str]:
    """Every `Fact.field` that a rule reads."""
    fields = {_field(path) for each in rule_expressions(rule) for path, role in reads(each) if role != "list"}
    return fields | {_field(action.target) for action in _assigns(rule) if action.op != "="}


def _assigns(rule: Rule) -> Iterable[Assign]:
    return (action for action in rule.actions if isinstance(action, Assign))


def _field(path: Path) -> str:
    names = [step for step in path.steps if isinstance(step, str)]
    return f"{path.fact}.{names[0]}" if names else path.fact
