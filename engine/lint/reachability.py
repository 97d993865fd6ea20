"""Rules that never fire, or that repeat other rules.

Takes rules with their feasible sets, gives a `LintWarning` for each claim. A rule never fires when its feasible set is
empty, when nothing gives the focus to its agenda group, or when an earlier rule that matches whenever it does keeps it
from firing. Does not compare rows of one table: `engine.tables.analysis` does."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.language import Complete, Node, Retract, Rule, has_focus, print_action
from engine.lint.feasibility import FeasibleSets

#: Pairs of rules that are compared, at most.
MAX_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class LintWarning:
    """What is wrong with a rule that compiles."""

    #: Stable; docs/errors.md lists them.
    code: str
    #: What the warning points at.
    node: Node
    message: str
    #: What to do about it; may be empty.
    hint: str = ""


def unreachable(rules: Sequence[Rule], sets: FeasibleSets) -> Iterator[LintWarning]:
    """Rules that no facts can make fire.

    Args:
        rules: in source order.
        sets: of these rules.
    """
    for position, rule in enumerate(rules):
        if not has_focus(rule):
            message = (
                f"rule '{rule.name}' never fires: nothing gives the focus to the agenda group '{rule.agenda_group}'"
            )
            yield LintWarning("rule-never", rule, message, "drop the agenda group; salience orders rules")
        elif not sets.feasible[position]:
            why, hint = "its conditions contradict each other", "did you mean '||' instead of '&&'?"
            conjunctions = sets.conjunctions[position]
            if conjunctions:
                fields = {sets.impossible_field(conjunction) for conjunction in conjunctions}
                shown = " and ".join(sorted(field for field in fields if field))
                why = f"{shown or 'a field'} never has what it asks for"
                hint = "compare with domain.toml, and with what rules write"
            yield LintWarning("rule-never", rule, f"rule '{rule.name}' never fires: {why}", hint)


def shadowed(rules: Sequence[Rule], sets: FeasibleSets) -> Iterator[LintWarning]:
    """Rules that another one keeps from firing whenever they match, and rules that do what another one does.

    Args:
        rules: in source order.
        sets: of these rules.
    """
    retracted = {action.rule for rule in rules for action in rule.actions if isinstance(action, Retract)}
    order = sorted(range(len(rules)), key=lambda position: -rules[position].salience)
    live = [position for position in order if sets.feasible[position] and has_focus(rules[position])]
    # Those that surely fire when they match: only they keep others from firing.
    steady = {p for p in live if rules[p].name not in retracted and not rules[p].lock_on_active}
    reported: set[int] = set()
    pairs_left = MAX_PAIRS
    for bucket, ends in _buckets(rules, live):
        for place, narrow in enumerate(bucket):
            # In a bucket that the first rule ends, only that rule keeps others from firing.
            for wide in bucket[:1] if ends else bucket[:place]:
                pairs_left -= 1
                if pairs_left < 0:
                    yield not_analysed(rules[narrow], "all rules that others may silence")
                    return
                if narrow == wide or narrow in reported or wide not in steady:
                    continue
                if not _same_table(rules[narrow], rules[wide]) and sets.covers(wide, narrow):
                    reported.add(narrow)
                    yield _shadow(rules[narrow], rules[wide], "ends the evaluation" if ends else "silences its group")
    yield from _repeated(rules, live, sets, reported, pairs_left)


def _buckets(rules: Sequence[Rule], live: Sequence[int]) -> Iterator[tuple[list[int], bool]]:
    """Rules in agenda order, of which the earlier may keep the later from firing; and whether the first ends all."""
    groups: dict[str, list[int]] = {}
    for place, position in enumerate(live):
        group = rules[position].activation_group
        if group is not None:
            groups.setdefault(group, []).append(position)
        elif any(isinstance(action, Complete) for action in rules[position].actions):
            yield list(live[place:]), True
    for bucket in groups.values():
        if not all(_same_table(rules[bucket[0]], rules[position]) for position in bucket):
            yield bucket, False


def _shadow(narrow: Rule, wide: Rule, effect: str) -> LintWarning:
    message = f"rule '{narrow.name}' never fires: rule '{wide.name}' before it holds whenever it does, and {effect}"
    return LintWarning(
        "rule-shadowed", narrow, message, "move it up, give it a higher salience, or narrow the other one"
    )


def _repeated(
    rules: Sequence[Rule], live: Sequence[int], sets: FeasibleSets, reported: set[int], pairs_left: int
) -> Iterator[LintWarning]:
    """Rules that hold only when another one with the same actions does."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for position in sorted(live):
        if rules[position].activation_group is None and position not in reported:
            alike.setdefault(tuple(map(print_action, rules[position].actions)), []).append(position)
    for bucket in alike.values():
        for earlier, later in pairs(rules, bucket):
            pairs_left -= 1
            if pairs_left < 0:
                yield not_analysed(rules[later], "all rules that may repeat others")
                return
            narrow, wide = (later, earlier) if sets.covers(earlier, later) else (earlier, later)
            if narrow not in reported and wide not in reported and sets.covers(wide, narrow):
                reported.add(narrow)
                message = f"rule '{rules[narrow].name}' repeats rule '{rules[wide].name}', which holds whenever it does"
                yield LintWarning("rule-repeated", rules[narrow], message, "drop one of them")


def pairs(rules: Sequence[Rule], bucket: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of rules, the earlier first, without those of one table, of which there may be very many.

    Args:
        rules: in source order.
        bucket: positions of the rules to pair.
    """
    groups: dict[str, list[int]] = {}
    for position in sorted(bucket):
        groups.setdefault(_table(rules[position]), []).append(position)
    yield from itertools.combinations(groups.get("", []), 2)
    for one, other in itertools.combinations(groups.values(), 2):
        yield from ((min(pair), max(pair)) for pair in itertools.product(one, other))


def not_analysed(rule: Rule, what: str) -> LintWarning:
    """The warning that a comparison of pairs of rules ended before the last pair.

    Args:
        rule: where it ended.
        what: what was compared, for the message.
    """
    message = f"the ruleset is too large to compare {what}; the comparison ended at rule '{rule.name}'"
    return LintWarning("rules-not-analysed", rule, message)


def _same_table(one: Rule, other: Rule) -> bool:
    """Whether two rules are rows of one table, whose hit policy says what happens when both hold."""
    table = _table(one)
    return table != "" and table == _table(other)


def _table(rule: Rule) -> str:
    """The table that a rule is a row of; empty for none."""
    source = "" if rule.span is None else rule.span.source
    return "" if source.lower().endswith(".grl") else source
