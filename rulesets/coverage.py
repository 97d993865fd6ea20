"""What of a ruleset its cases touch.  cases -> [coverage] -> rules, rows and branches, with how many cases fire each

A rule is covered when it fires in some case, a branch of it (an operand of an `||`) when that holds as the rule
fires: whoever changes what no case touches hears of it from customers. Says nothing of whether a case is right."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine import ConditionTrace, Rule, explain
from rulesets.cases import read_cases
from rulesets.loader import LoadedRuleset


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """One rule, or one row of a table."""

    rule: Rule
    #: In how many cases it fires.
    fired: int
    #: Its branches as canonical GRL, each with in how many cases it held as the rule fired. Empty: it has none, or the
    #: rule never fires.
    branches: dict[str, int]

    @property
    def table(self) -> str:
        """The table that it is a row of; empty: it is none."""
        return self.rule.name.partition("#")[0] if self.rule.once else ""

    @property
    def missed(self) -> tuple[str, ...]:
        """Branches that never held as the rule fired."""
        return tuple(text for text, cases in self.branches.items() if not cases)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        span = self.rule.span
        place = {"source": span.source, "line": span.line} if span else {"source": None, "line": None}
        return {"rule": self.rule.name, **place, "fired": self.fired, "branches": self.branches}


def coverage(loaded: LoadedRuleset) -> list[RuleCoverage]:
    """Which rules the cases of a domain fire, and by which of their branches.

    Args:
        loaded: the domain, read from its folder.

    Returns:
        One entry a rule, in source order.

    Raises:
        CasesRejected, RulesetUnreadable: as `rulesets.cases.read_cases`.
    """
    fired: Counter[str] = Counter()
    held: dict[str, Counter[str]] = {}
    for case in read_cases(loaded):
        # Once a case, however often the rule fires in it.
        explanation = explain(loaded.program, case.facts, as_of=case.as_of)
        fired.update(set(explanation.evaluation.fired))
        found: dict[str, dict[str, bool]] = {}
        for trace in explanation.rules:
            if trace.firing is not None:
                branches = found.setdefault(trace.rule.name, {})
                for text, holds in _branches(trace.condition):
                    branches[text] = branches.get(text, False) or holds
        for name, branches in found.items():
            held.setdefault(name, Counter()).update({text: int(holds) for text, holds in branches.items()})
    return [RuleCoverage(rule, fired[rule.name], dict(held.get(rule.name, {}))) for rule in loaded.program.rules]


def _branches(trace: ConditionTrace) -> Iterator[tuple[str, bool]]:
    if trace.kind == "any":
        yield from ((part.text, part.holds) for part in trace.parts)
    for part in trace.parts:
        yield from _branches(part)
