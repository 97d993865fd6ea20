"""What another version of a ruleset does to facts.  answers before and after -> [flips] -> flips, causes, sums

Counts which outcomes became which, and of each flip which rules are to blame: those that asked for something in one of
the versions only. What was counted in parts is added up, so that many processes may share the facts; a part is plain
data. However many facts, it stays small. Judges nothing, and explains nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

#: In the order in which they are shown.
OUTCOMES = ("accept", "review", "reject", "error")
#: Causes that are told apart; a ruleset that is rewritten could have as many as it has rows.
MAX_CAUSES = 500
#: Causes that have an example in what is counted, for an example holds all facts of a row.
_WITH_EXAMPLE = 50

#: As `Evaluation.to_json` gives it.
Answer = Mapping[str, Any]


class Cause(NamedTuple):
    """Why rows flip: what they were, what they are, and whose doing it is."""

    before: str
    after: str
    #: Rules of the version before that asked for something, and do not any more, or not for that.
    no_longer: tuple[str, ...] = ()
    #: Rules of the version after that ask for something which nobody asked for before.
    now: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One row that flips."""

    subject: str
    facts: Mapping[str, Any]
    #: The instant that it was judged at.
    as_of: datetime
    #: Of the job, or of the row of a batch; None: it is of a file.
    id: str | None = None


@dataclass(slots=True)
class Flips:
    """The rows that flip for one cause."""

    count: int = 0
    #: Of the chosen field, over the rows that have a number there.
    sum: Decimal = Decimal(0)
    #: How many have none.
    unsummed: int = 0
    example: Example | None = None


@dataclass(slots=True)
class Impact:
    """What was counted of some rows."""

    rows: int = 0
    #: Rows that nobody can judge again: a shared fact is not on record with them.
    skipped: int = 0
    #: Rows of the same outcome that fire other rules, or leave other reasons, changes, logs or events.
    otherwise: int = 0
    #: Outcome before and after to the rows of it, those that stay what they are too.
    matrix: dict[tuple[str, str], int] = field(default_factory=dict)
    causes: dict[Cause, Flips] = field(default_factory=dict)

    @property
    def flips(self) -> int:
        """Rows that have another outcome."""
        return sum(count for (before, after), count in self.matrix.items() if before != after)

    def became(self, outcome: str) -> int:
        """Rows that have an outcome, and had another."""
        return sum(count for (before, after), count in self.matrix.items() if before != after == outcome)

    def sum_of(self, before: str | None = None, after: str | None = None) -> tuple[Decimal, int]:
        """The sum of the chosen field over rows that flip, and how many of them have no number there.

        Args:
            before: from this outcome only.
            after: to this outcome only.
        """
        chosen = [
            one for cause, one in self.causes.items() if before in (None, cause.before) and after in (None, cause.after)
        ]
        return sum((one.sum for one in chosen), Decimal(0)), sum(one.unsummed for one in chosen)

    def blamed(self) -> dict[str, tuple[int, int]]:
        """Rules to blame, most rows first: how many flip because it asks for nothing now, or for another thing; and
        how many because it asks for something now."""
        counts: dict[str, list[int]] = {}
        for cause, one in self.causes.items():
            for place, names in enumerate((cause.no_longer, cause.now)):
                for name in names:
                    counts.setdefault(name, [0, 0])[place] += one.count
        return {name: (a, b) for name, (a, b) in sorted(counts.items(), key=lambda each: (-sum(each[1]), each[0]))}

    def count(self, cause: Cause, value: Decimal | None, example: Example | None) -> None:
        """Count a row that flips.

        Args:
            cause: why.
            value: its number in the chosen field; None: it has none, or none is chosen.
            example: the row.
        """
        one = Flips(1, value or Decimal(0), int(value is None), example)
        self._take(cause, one)

    def add(self, other: "Impact") -> None:
        """Add what was counted of other rows."""
        self.rows += other.rows
        self.skipped += other.skipped
        self.otherwise += other.otherwise
        for pair, count in other.matrix.items():
            self.matrix[pair] = self.matrix.get(pair, 0) + count
        for cause, one in other.causes.items():
            self._take(cause, one)

    def _take(self, cause: Cause, one: Flips) -> None:
        known = self.causes.get(cause)
        if known is None and len(self.causes) >= MAX_CAUSES:
            # Of these is only known what they were and are.
            cause = Cause(cause.before, cause.after)
            known = self.causes.get(cause)
        if known is None:
            known = self.causes[cause] = Flips()
        known.count += one.count
        known.sum += one.sum
        known.unsummed += one.unsummed
        if known.example is None and len(self.causes) <= _WITH_EXAMPLE:
            known.example = one.example

    def to_json(self) -> dict[str, Any]:
        """What was counted as plain data, from which `from_json` makes it again."""
        return {
            "rows": self.rows,
            "skipped": self.skipped,
            "otherwise": self.otherwise,
            "matrix": [[*pair, count] for pair, count in self.matrix.items()],
            "causes": [
                cause._asdict() | {"count": one.count, "sum": str(one.sum), "unsummed": one.unsummed} | _told(one)
                for cause, one in self.causes.items()
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Impact":
        """What was counted, by another process."""
        made = cls(document["rows"], document["skipped"], document["otherwise"])
        made.matrix = {(before, after): count for before, after, count in document["matrix"]}
        for each in document["causes"]:
            cause = Cause(each["before"], each["after"], tuple(each["no_longer"]), tuple(each["now"]))
            example = each["example"]
            if example is not None:
                example = Example(**example | {"as_of": datetime.fromisoformat(example["as_of"])})
            made.causes[cause] = Flips(each["count"], Decimal(each["sum"]), each["unsummed"], example)
        return made


def _told(one: Flips) -> dict[str, Any]:
    if one.example is None:
        return {"example": None}
    return {"example": asdict(one.example) | {"as_of": one.example.as_of.isoformat()}}


def compare_answers(
    before: Sequence[Answer], after: Sequence[Answer], renamed: Mapping[str, str]
) -> tuple[Impact, dict[int, Cause]]:
    """Compare what two versions say of the same rows.

    Args:
        before: an answer a row, as `Evaluation.to_json` gives it; rows that share one object are compared once.
        after: the same rows, by the other version.
        renamed: what rules of the version before are called in the one after, by `rulesets.differences.names_after`.

    Returns:
        The counts, in which the flips have no causes yet; and the cause of each row that flips.
    """
    impact = Impact(len(before))
    known: dict[tuple[int, int], tuple[tuple[str, str], Cause | None, bool]] = {}
    flipped: dict[int, Cause] = {}
    for row, (was, now) in enumerate(zip(before, after, strict=True)):
        key = id(was), id(now)
        found = known.get(key)
        if found is None:
            pair = was["outcome"], now["outcome"]
            cause = None if pair[0] == pair[1] else _cause(was, now, renamed)
            found = known[key] = pair, cause, cause is None and _differ(was, now, renamed)
        pair, cause, differs = found
        impact.matrix[pair] = impact.matrix.get(pair, 0) + 1
        if cause is not None:
            flipped[row] = cause
        elif differs:
            impact.otherwise += 1
    return impact, flipped


def _cause(was: Answer, now: Answer, renamed: Mapping[str, str]) -> Cause:
    """Whose doing it is that a row flips."""
    asked, asks = dict(_asked(was)), dict(_asked(now))
    kept = {name: renamed.get(name, "") for name in asked}
    no_longer = [name for name, said in asked.items() if asks.get(kept[name]) != said]
    same = {kept[name] for name, said in asked.items() if asks.get(kept[name]) == said}
    newly = [name for name in asks if name not in same]
    return Cause(was["outcome"], now["outcome"], tuple(no_longer), tuple(newly))


def _asked(answer: Answer) -> Iterator[tuple[str, frozenset[str]]]:
    """What each rule asked for: outcomes. An error of no rule stands under its code."""
    by_rule: dict[str, set[str]] = {}
    for reason in answer["reasons"]:
        name = reason["rule"] or f"[{reason['code']}]"
        by_rule.setdefault(name, set()).add(reason["outcome"])
    yield from ((name, frozenset(outcomes)) for name, outcomes in by_rule.items())


def _differ(was: Answer, now: Answer, renamed: Mapping[str, str]) -> bool:
    """Whether answers with the same outcome differ in anything else."""
    if any(was[name] != now[name] for name in ("changes", "logs")):
        return True
    if [renamed.get(name) for name in was["fired"]] != now["fired"]:
        return True
    if [_of_event(event, renamed) for event in was["events"]] != [_of_event(event, None) for event in now["events"]]:
        return True
    reasons = [(renamed.get(one["rule"] or "", ""), one["outcome"], one["text"]) for one in was["reasons"]]
    return reasons != [(one["rule"] or "", one["outcome"], one["text"]) for one in now["reasons"]]


def _of_event(event: Mapping[str, Any], renamed: Mapping[str, str] | None) -> tuple[Any, ...]:
    rule = event["rule"]
    return (rule if renamed is None else renamed.get(rule, ""), event["name"], event["arguments"])
