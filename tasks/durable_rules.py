"""Candidates for the events of a pattern, by durable-rules.  search -> [durable_rules] -> engine, which settles each

A pattern becomes one durable-rules ruleset, in its JSON form: a flag for each binding, and the comparisons of two
events. The events of a window are asserted as facts, each with its place, its flags and the ranks that it is compared
by (`engine.evaluation.event_joins`); every match is a choice for the engine to settle. What is about one event alone
the engine has settled before, so a fact is small whole numbers and nothing else, whatever a producer sent. Absences are
left to the engine: `none` matches or not with the order of assertion, and one that is relaxed would lose what holds.

durable-rules is driven through its C module, by one thread, one window at a time: its `Host` would start threads and
swallow errors. It is asked only once a rule has come to its pattern. Some ways to use it read beyond its memory, which
would end the process, so none of them is used: a state is not freed before something has matched in it (`_END`), a list
of tests does not end with one that can fail (`ruleset_of`), facts are not retracted but forgotten with their state, and
what has refused a window is left alone. What is too much for it, or what it refuses, the engine does by itself; that is
counted, and logged at the 1st, 10th, 100th… time."""

import json
import logging
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from engine import MIRRORED, Choice, Join, Pattern, Program, Search
from rulefarm.optional_imports import require_extra

#: What the sides of a comparison are compared by.
Ranks = tuple[list[int], list[int]]

log = logging.getLogger("rulefarm.tasks")

#: With fewer choices to try, the engine is done before the events are asserted.
FEW_CHOICES = 400
#: Each match takes durable-rules as long as a dozen choices take the engine: with more, the engine is faster.
MAX_MATCHES = 1_000
#: Windows after which a ruleset is compiled anew, so that whatever it keeps of each stays bounded.
RECYCLED_AFTER = 1_000
#: Refusals after which a pattern is not asked any more: each leaves a ruleset behind that can't be trusted to be freed.
MAX_REFUSALS = 10

_OPERATORS = {"==": "$eq", "!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
#: A fact that always matches: a state in which nothing has matched holds a pointer that was never set, and frees it.
_END = {"id": "end", "end": 1}


def require_durable_rules(program: Program) -> Any:
    """The C module of durable-rules, which a program with patterns needs; None for one without.

    Args:
        program: compiled.

    Raises:
        SettingsError: it is not installed (`extra-missing`).
    """
    return require_extra("durable_rules_engine", "patterns", "rulefarm-server") if program.patterns else None


def host_of(program: Program) -> "PatternHost | None":
    """What looks for the patterns of a program in this process; None when it has none.

    Args:
        program: whose.

    Raises:
        SettingsError: it has patterns, and durable-rules is not installed (`extra-missing`).
    """
    if program not in _hosts:
        durable = require_durable_rules(program)
        _hosts[program] = None if durable is None else PatternHost(durable)
    return _hosts[program]


_hosts: WeakKeyDictionary[Program, "PatternHost | None"] = WeakKeyDictionary()


class PatternHost:
    """Finds candidates for the patterns of one program; for one process and one thread."""

    def __init__(self, durable: Any, few: int = FEW_CHOICES) -> None:
        """Prepare; a pattern is compiled when it is asked about first.

        Args:
            durable: the C module of durable-rules.
            few: windows with fewer choices are the engine's.
        """
        self._durable = durable
        self._few = few
        #: By the identity of the pattern, which each of them keeps alive.
        self._rulesets: dict[int, _Ruleset] = {}
        #: What became of the windows: `found`, or left to the engine: `few` choices or nothing to compare, too `large`
        #: a number of matches, `refused` by durable-rules.
        self.counts: Counter[str] = Counter()

    def __call__(self, search: Search) -> Sequence[Choice] | None:
        """The choices that may hold; None when the engine has to look by itself."""
        if not search.joins or math.prod(map(len, search.fit)) < self._few:
            self.counts["few"] += 1
            return None
        ranks = [search.ranks(number) for number in range(len(search.joins))]
        if most_matches(search, ranks) > MAX_MATCHES:
            self._count_left("large", f"it may have more than {MAX_MATCHES:,} matches")
            return None
        ruleset = self._rulesets.get(id(search.pattern))
        if ruleset is None:
            ruleset = self._rulesets[id(search.pattern)] = _Ruleset(self._durable, search.pattern, search.joins)
        if ruleset.refusals >= MAX_REFUSALS:
            self._count_left("refused", "durable-rules refused others of its pattern")
            return None
        try:
            matches = ruleset.matches(_facts(search, ranks))
        except (self._durable.error, MemoryError) as error:
            self._count_left("refused", str(error))
            return None
        self.counts["found"] += 1
        return matches

    def _count_left(self, what: str, why: str) -> None:
        self.counts[what] += 1
        count = self.counts[what]
        if str(count).strip("0") == "1":
            log.warning("windows that the engine matched without durable-rules: %d; of the last: %s", count, why)


class _Ruleset:
    """One pattern, as durable-rules has it."""

    def __init__(self, durable: Any, pattern: Pattern, joins: Sequence[Join]) -> None:
        self._durable = durable
        self._pattern = pattern
        self._count = sum(not binding.absent for binding in pattern.bindings)
        self._text = json.dumps(ruleset_of(self._count, joins))
        self._handle: Any = None
        self._asked = 0
        self.refusals = 0

    def matches(self, facts: list[dict[str, Any]]) -> list[Choice]:
        """The places of the events of every match."""
        durable = self._durable
        if self._handle is None:
            self._handle, self._asked = durable.create_ruleset("pattern", self._text), 0
        handle, self._handle = self._handle, None
        sid = str(self._asked)
        written = json.dumps([{**fact, "sid": sid} for fact in (*facts, _END)])
        matches = []
        try:
            _, state = durable.assert_facts(handle, written)
            _, match = durable.start_action_for_state(handle, state)
            while match:
                [(name, events)] = json.loads(match).items()
                if name == "found":
                    matches.append(tuple(events[f"e{number}"]["p"] for number in range(self._count)))
                match = durable.complete_and_start_action(handle, state)
            # To retract the facts instead would be faster, and reads beyond its memory.
            durable.delete_state(handle, sid)
        except (durable.error, MemoryError):
            # What it holds now is anybody's guess, so it is neither asked again nor freed.
            self.refusals += 1
            raise
        self._asked += 1
        if self._asked < RECYCLED_AFTER:
            self._handle = handle
        else:
            durable.delete_ruleset(handle)
        return matches


def ruleset_of(count: int, joins: Sequence[Join]) -> dict[str, Any]:
    """The JSON form of a pattern.

    Args:
        count: of its bindings that are no absence.
        joins: the comparisons of two of them.
    """
    tests: list[list[dict[str, Any]]] = [[{f"f{number}": 1}] for number in range(count)]
    for number, join in enumerate(joins):
        # An event can be compared with those that are bound before it.
        if join.left > join.right:
            test = {_OPERATORS[join.op]: {f"l{number}": {f"e{join.right}": f"r{number}"}}}
        else:
            test = {_OPERATORS[MIRRORED[join.op]]: {f"r{number}": {f"e{join.left}": f"l{number}"}}}
        tests[max(join.left, join.right)].append(test)
    for each in tests[1:]:
        # Behind a test that fails it skips one place, then looks for the end of the list: after the last test it would
        # run out of its memory. So the last one never fails, not even when an event is compared with itself.
        each.append({"$eq": {"s": {"e0": "s"}}})
    events = [{f"e{number}": {"$and": each} if len(each) > 1 else each[0]} for number, each in enumerate(tests)]
    return {"found": {"all": events}, "end": {"all": [{"m": {"end": 1}}]}}


def most_matches(search: Search, ranks: Sequence[Ranks]) -> int:
    """A number that the matches of a window, those of the first few bindings included, do not exceed.

    Args:
        search: what is looked for.
        ranks: of its joins.
    """
    most = bound = len(search.fit[0])
    for binding in range(1, len(search.fit)):
        # With how many events of this binding one choice of those before it can go, at most.
        partners = len(search.fit[binding])
        pairs = bound * partners
        for join, (lefts, rights) in zip(search.joins, ranks, strict=True):
            if max(join.left, join.right) == binding:
                if join.right == binding:
                    degrees = _degrees(join.op, lefts, rights)
                else:
                    degrees = _degrees(MIRRORED[join.op], rights, lefts)
                partners = min(partners, max(degrees))
                if binding == 1:
                    pairs = min(pairs, sum(degrees))
        bound = min(pairs, bound * partners)
        most = max(most, bound)
    return most


def _degrees(op: str, ranks: list[int], others: list[int]) -> list[int]:
    """With how many of the others each rank compares."""
    if op in ("==", "!="):
        equal = Counter(others)
        return [equal[rank] if op == "==" else len(others) - equal[rank] for rank in ranks]
    others = sorted(others)
    below = bisect_left if op in (">", "<=") else bisect_right
    counts = [below(others, rank) for rank in ranks]
    return counts if op in (">", ">=") else [len(others) - count for count in counts]


def _facts(search: Search, ranks: Sequence[Ranks]) -> list[dict[str, Any]]:
    """The events of a window, each with all that some comparison asks of it: a field that is missing is an error."""
    facts: dict[int, dict[str, Any]] = {}
    for binding, places in enumerate(search.fit):
        for place in places:
            facts.setdefault(place, {"id": str(place), "s": 1, "p": place})[f"f{binding}"] = 1
    for number, join in enumerate(search.joins):
        for side, binding, of_side in zip("lr", (join.left, join.right), ranks[number], strict=True):
            for place, rank in zip(search.fit[binding], of_side, strict=True):
                facts[place][f"{side}{number}"] = rank
    return list(facts.values())
