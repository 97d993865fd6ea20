"""What is said of a draft's impact, in words and as plain data.  Impact -> [impact_report] -> terminal, JSON, HTML

The flip matrix, the rules to blame, and for the commonest causes an example with the smallest explanation. All numbers
and words are put together here once, so that the terminal, JSON and every page say the same. Prints nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rulefarm.plurals import counted
from rulesets.differences import names_after
from rulesets.flip_examples import private_in, tell_example
from rulesets.flips import OUTCOMES, Cause, Flips, Impact
from workers.draft_impact import Tried, Versions

#: Causes that have an example explained.
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """What there is to say about a draft."""

    versions: Versions
    tried: Tried
    #: Which facts, in words: `of the last 7d`.
    facts: str
    #: The field that is summed.
    summed: str | None
    #: The budget as it was given, and the limits that are broken.
    budget: str | None
    broken: Sequence[str]
    #: The commonest causes, each with sentences about its example.
    told: Mapping[Cause, Sequence[str]]

    @classmethod
    def of(
        cls,
        versions: Versions,
        tried: Tried,
        *,
        facts: str,
        summed: str | None = None,
        budget: str | None = None,
        broken: Sequence[str] = (),
    ) -> "ImpactReport":
        """Explain the examples.

        Args:
            versions: both.
            tried: what came of the facts.
            facts: which, in words.
            summed: `Fact.field`; default: none.
            budget: as it was given; default: none.
            broken: limits that are; default: none.
        """
        before, after = versions.before.program, versions.after.program
        renamed = names_after(before, after)
        told = {
            cause: tell_example(before, after, renamed, cause, one.example)
            for cause, one in by_count(tried.impact)[:_EXAMPLES]
            if one.example is not None
        }
        return cls(versions, tried, facts, summed, budget, broken, told)

    @property
    def impact(self) -> Impact:
        """The counts."""
        return self.tried.impact

    @property
    def headline(self) -> str:
        """What was compared on what."""
        before, after = (one.digest[:12] for one in (self.versions.before, self.versions.after))
        where = f"on {counted(self.tried.processes, 'worker process', 'worker processes')}" * bool(self.tried.processes)
        return f"{self.versions.domain}: {before} → {after} over {self.subjects(self.impact.rows)} {self.facts}" + (
            f", judged {where}" if where else ""
        )

    @property
    def summary(self) -> str:
        """How many flip, in one sentence."""
        impact = self.impact
        share = f" ({impact.flips / impact.rows:.2%})" if impact.flips else ""
        sums = self.amount(*impact.sum_of()) if impact.flips else ""
        sentence = f"{self.subjects(impact.flips)}{' flips' if impact.flips == 1 else ' flip'}{share}{sums}"
        if impact.otherwise:
            sentence += f"; {impact.otherwise:,} more keep the outcome, for other reasons or with other changes"
        if impact.skipped:
            sentence += f"; {impact.skipped:,} skipped: a shared fact is not on record with them"
        return sentence

    def subjects(self, count: int) -> str:
        """So many of what is judged: `42 products`."""
        return counted(count, self.versions.before.schema.subject.lower())

    def amount(self, total: Decimal, without: int) -> str:
        """A sum with its field, as the end of a sentence; empty if nothing is summed.

        Args:
            total: the sum.
            without: how many rows have no number there.
        """
        if self.summed is None:
            return ""
        missing = f", {without:,} without" if without else ""
        return f", {shown(total)} in {self.summed.partition('.')[2]}{missing}"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        impact = self.impact
        document: dict[str, Any] = {
            "domain": self.versions.domain,
            "before": self.versions.before.digest,
            "after": self.versions.after.digest,
            "facts": impact.rows,
            "skipped": impact.skipped,
            "flips": impact.flips,
            "otherwise": impact.otherwise,
            "matrix": {one: {other: impact.matrix.get((one, other), 0) for other in OUTCOMES} for one in OUTCOMES},
            "rules": [{"rule": name, "no_longer": a, "now": b} for name, (a, b) in impact.blamed().items()],
            "causes": [self._cause(cause, one) for cause, one in by_count(impact)],
            "worker_processes": self.tried.processes,
        }
        if self.summed is not None:
            document["sum"] = {"field": self.summed} | _sum(*impact.sum_of())
        if self.budget is not None:
            document["budget"] = {"limits": self.budget, "broken": list(self.broken)}
        return document

    def _cause(self, cause: Cause, one: Flips) -> dict[str, Any]:
        document: dict[str, Any] = cause._asdict() | {"count": one.count}
        if self.summed is not None:
            document["sum"] = _sum(one.sum, one.unsummed)
        if one.example is not None:
            private = private_in(self.versions.before.program, self.versions.after.program)
            document["example"] = {
                "subject": one.example.subject,
                "as_of": one.example.as_of.isoformat(),
                "facts": private.masked(one.example.facts),
                "why": list(self.told.get(cause, ())),
            }
        return document


def by_count(impact: Impact) -> list[tuple[Cause, Flips]]:
    """The causes, those of most rows first."""
    return sorted(impact.causes.items(), key=lambda each: (-each[1].count, each[0]))


def shown(number: Decimal) -> str:
    """A sum for a person: with two decimals at least if it has any.

    >>> shown(Decimal("1310.5")), shown(Decimal("42")), shown(Decimal("0.125"))
    ('1,310.50', '42', '0.125')
    """
    plain = number.normalize()
    decimals = max(0, -int(plain.as_tuple().exponent))
    return f"{plain:,.{max(2, decimals) if decimals else 0}f}"


def cause_words(cause: Cause) -> str:
    """The rules of a cause, in words."""
    rules = [f"{name} no longer" for name in cause.no_longer if name not in cause.now]
    rules += [name if name in cause.no_longer else f"{name} now" for name in cause.now]
    return ", ".join(rules) or "other causes"


def _sum(total: Decimal, without: int) -> dict[str, Any]:
    return {"total": float(total), "without": without}
