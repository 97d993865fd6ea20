"""What durable-rules finds changes no answer: with it, without it and by the naive evaluator it is the same."""

import importlib
import random
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.evaluation import Search
from engine.language import Bound, Expression, nodes
from engine.program import Program
from engine.ruleset import Ruleset
from rulefarm.errors import SettingsError
from tasks import durable_rules as pattern_host
from tasks.durable_rules import MAX_MATCHES, MAX_REFUSALS, RECYCLED_AFTER, PatternHost, host_of, most_matches
from tests.engine.effort import cases
from tests.engine.naive import Naive
from tests.engine.pools import ORDER

DURABLE = importlib.import_module("durable_rules_engine")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: Of patterns, each with several windows.
PATTERNS, WINDOWS = cases(400), 8
#: Numbers that differ in their last digit only, and others that are hard to hold.
NUMBERS = ["0.1", "0.2", "0.3", "0.300000000000001", "1", "3", "0", "-2.5"]
NUMBERS += ["1e-200", "9e299", "-9e299", "999999999999999"]
TEXTS = ["", "FR", "DE", "fr", "1", "é", "\N{GRINNING FACE}", "a\0b", 'q"\\', "\ud800"]
FIELDS = ["amount", "amount", "fee", "country", "online", "at", "tags"]


class Maker:
    """Makes patterns over `payments`, and windows of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def event(self) -> dict[str, Any]:
        """Any field may be missing, null, or of another kind."""
        number = self.pick(NUMBERS)
        made = {
            "amount": self.pick([float(number), Decimal(number), self.random.randrange(4), True, "1"]),
            "fee": float(self.pick(NUMBERS)),
            "country": self.pick([*TEXTS, 1]),
            "online": self.pick([True, False, 1, 0]),
            "at": NOW - timedelta(seconds=self.pick([-1, 0, 1, 299, 300, 301])),
            "tags": [self.pick([1, True, "1", None])],
        }
        return {name: self.pick([value] * 7 + [None]) for name, value in made.items() if self.random.randrange(8)}

    def facts(self, most: int = 12) -> dict[str, Any]:
        events = [self.event() for _ in range(self.random.randrange(most + 1))]
        return {"Payment": events[-1] if events else self.event(), "payments": events}

    def side(self, name: str) -> Expression:
        field = Bound(name, "payments", (self.pick(FIELDS),))
        if self.random.randrange(4):
            return field
        other = self.pick([nodes.Literal(Decimal(self.pick(NUMBERS))), nodes.Path("Payment", ("fee",))])
        return nodes.Arithmetic(self.pick("+-*/"), field, other)

    def test(self, names: list[str], least: str) -> Expression:
        others = [self.side(name) for name in names if name != least] or [nodes.Literal(self.pick(TEXTS))]
        left, right = self.side(least), self.pick(others * 4 + [nodes.Literal(Decimal(self.pick(NUMBERS)))])
        made: Expression = nodes.Compare(self.pick(ORDER), left, right)
        if self.random.randrange(10) == 0:
            made = self.pick([nodes.And, nodes.Or])((made, self.test(names, least)))
        return nodes.Not(made) if self.random.randrange(10) == 0 else made

    def pattern(self) -> nodes.Pattern:
        names = ["a", "b", "c"][: self.pick([2, 2, 2, 3])]
        absent = ["z"] if self.random.randrange(3) == 0 else []
        bindings = [self.binding(name) for name in names + absent]
        self.random.shuffle(bindings)
        operands = [self.test(names, self.pick(names)) for _ in range(self.random.randrange(1, 4))]
        operands += [self.test([*names, "z"], "z") for _ in absent]
        return nodes.Pattern(tuple(bindings), tuple(operands))

    def binding(self, name: str) -> nodes.Binding:
        time = ("Payment", "at") if self.random.randrange(4) == 0 else None
        return nodes.Binding(name, "Payment", "payments", 600 if time is None else 301, name == "z", time)


def program_of(pattern: nodes.Pattern) -> tuple[Program, nodes.Rule]:
    rule = nodes.Rule("R", pattern, (nodes.Decide("reject", nodes.Literal("")),))
    return Program(Ruleset((rule,), {}, (), None)), rule


def pairs(*operators: str) -> tuple[Program, nodes.Rule]:
    """Two events, each field of the one compared with the same field of the other."""
    fields = ["amount", "country", "fee"]
    tests = [
        nodes.Compare(op, Bound("a", "payments", (field,)), Bound("b", "payments", (field,)))  # type: ignore[arg-type]
        for op, field in zip(operators, fields, strict=False)
    ]
    bindings = [nodes.Binding(name, "Payment", "payments", 600) for name in "ab"]
    return program_of(nodes.Pattern(tuple(bindings), tuple(tests)))


def fired(program: Program, facts: dict[str, Any], candidates: Any = None) -> bool:
    evaluation = program.evaluate(facts, as_of=NOW, candidates=candidates)
    assert evaluation.outcome in ("accept", "reject"), evaluation.reasons
    return evaluation.fired == ["R"]


def test_the_answer_is_the_same_with_it_without_it_and_by_the_naive_evaluator() -> None:
    made, counts, answers = Maker(7), Counter[str](), Counter[bool]()
    for _ in range(PATTERNS):
        program, rule = program_of(made.pattern())
        host, naive = PatternHost(DURABLE, few=0), Naive([rule])
        for _ in range(WINDOWS):
            # The naive evaluator takes its time over three events.
            facts = made.facts(12 if len(program.patterns[0].bindings) < 3 else 7)
            wanted = naive.evaluate(facts, NOW).fired == ["R"]
            assert fired(program, facts) == wanted, (rule, facts)
            assert fired(program, facts, host) == wanted, (rule, facts)
            answers[wanted] += 1
        counts += host.counts
    # durable-rules found where to look in most of them, refused none, and both answers were given.
    assert counts["found"] > 3.75 * PATTERNS, counts
    assert counts["refused"] == 0, counts
    assert min(answers.values()) > 0.75 * PATTERNS, answers


def test_both_orders_of_two_events_are_candidates_and_no_event_is_two() -> None:
    program, _ = pairs("==")
    found: list[Any] = []
    host = PatternHost(DURABLE, few=0)

    def asked(search: Search) -> Any:
        found.append(sorted(host(search) or ()))
        return found[-1]

    program.evaluate({"payments": [{"amount": 1}, {"amount": 2}, {"amount": 1}]}, as_of=NOW, candidates=asked)
    program.evaluate({"payments": [{"amount": 1}, {"amount": 2}]}, as_of=NOW, candidates=asked)
    assert found == [[(0, 2), (2, 0)], []]


def test_windows_with_few_choices_or_too_many_matches_are_the_engines(caplog: pytest.LogCaptureFixture) -> None:
    program, _ = pairs("!=")
    host = PatternHost(DURABLE)
    facts: Callable[[int], dict[str, Any]] = lambda n: {"payments": [{"amount": i} for i in range(n)]}  # noqa: E731
    assert all(fired(program, facts(n), host) for n in (2, 25, 200))
    assert host.counts == {"few": 1, "found": 1, "large": 1}
    assert "matched without durable-rules: 1" in caplog.text


@pytest.mark.parametrize("operators", [("<",), ("<=", "=="), ("!=", ">"), (">=", "!=", "<")])
def test_there_are_never_more_matches_than_were_reckoned_with(operators: tuple[str, ...]) -> None:
    program, _ = pairs(*operators)
    host, made, told = PatternHost(DURABLE, few=0), Maker(3), []

    def asked(search: Search) -> Any:
        most = most_matches(search, [search.ranks(number) for number in range(len(search.joins))])
        found = host(search)
        told.append(most)
        assert found is None or len(found) <= most <= MAX_MATCHES
        return found

    for _ in range(50):
        program.evaluate(made.facts(), as_of=NOW, candidates=asked)
    assert max(told) > 0


def test_what_durable_rules_refuses_is_matched_by_the_engine_and_it_is_asked_no_more_in_the_end() -> None:
    class Refusing:
        error = DURABLE.error

        def __getattr__(self, name: str) -> Any:
            return getattr(DURABLE, name)

        def assert_facts(self, handle: int, facts: str) -> Any:
            asked.append(handle)
            raise DURABLE.error("Could not assert facts, error code: 303")

    asked: list[int] = []
    program, _ = pairs("<")
    host = PatternHost(Refusing(), few=0)
    facts = {"payments": [{"amount": 1}, {"amount": 2}]}
    assert all(fired(program, facts, host) for _ in range(MAX_REFUSALS + 5))
    assert host.counts == {"refused": MAX_REFUSALS + 5}
    assert len(asked) == len(set(asked)) == MAX_REFUSALS


def test_memory_is_flat_however_many_windows_it_has_seen() -> None:
    program, _ = pairs("<", "!=")
    host, made = PatternHost(DURABLE, few=0), Maker(5)
    windows = [made.facts() for _ in range(200)]

    def judge(count: int) -> int:
        for number in range(count):
            program.evaluate(windows[number % len(windows)], as_of=NOW, candidates=host)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    warm = judge(2 * RECYCLED_AFTER)
    # KiB: a leak of 3 KB a window would be 15 MB.
    assert judge(5 * RECYCLED_AFTER) - warm < 4_000
    assert host.counts["refused"] == 0


def test_a_program_with_patterns_needs_durable_rules_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    program, rule = pairs("<")
    plain, _ = program_of(replace(rule.condition, operands=()))  # type: ignore[arg-type]
    assert host_of(program) is host_of(program) is not None
    assert host_of(plain) is not None
    none = Program(Ruleset((replace(rule, condition=nodes.Literal(True)),), {}, (), None))
    assert host_of(none) is None
    monkeypatch.setitem(__import__("sys").modules, "durable_rules_engine", None)
    pattern_host._hosts.clear()
    with pytest.raises(SettingsError, match=r"durable_rules_engine is not installed") as caught:
        host_of(program)
    assert (caught.value.code, caught.value.hint) == (
        "extra-missing",
        "install rulefarm-server with its extra: rulefarm-server[patterns]",
    )
    assert host_of(none) is None
