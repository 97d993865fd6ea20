"""Rules that never fire, or repeat others.  extents -> [reachability] -> oddities

A rule never fires when its extent is empty, when nothing gives the focus to its agenda group, or when an earlier rule
that holds whenever it does silences it. Rows of one table are not compared here (`engine.tables.analysis` does)."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.language import Complete, Node, Retract, Rule, has_focus, print_action
from engine.lint.feasibility import FeasibleSets

#: Pairs of rules that are compared.
MAX_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class LintWarning:
    """Something odd about a rule, for a diagnostic."""

    code: str
    #: What it is about, for its place.
    node: Node
    message: str
    hint: str = ""


def unreachable(rules: Sequence[Rule], extents: FeasibleSets) -> Iterator[LintWarning]:
    """Rules that no facts can make fire.

    Args:
        rules: in source order.
        extents: of these rules.
    """
    for position, rule in enumerate(rules):
        if not has_focus(rule):
            message = (
                f"rule '{rule.name}' never fires: nothing gives the focus to the agenda group '{rule.agenda_group}'"
            )
            yield LintWarning("rule-never", rule, message, "drop the agenda group; salience orders rules")
        elif not extents.extents[position]:
            forms = extents.forms[position]
            missed = {extents.missed(form) for form in forms}
            why = "its conditions contradict each other"
            if forms:
                fields = " and ".join(sorted(field for field in missed if field))
                why = f"{fields or 'a field'} never has what it asks for"
            yield LintWarning("rule-never", rule, f"rule '{rule.name}' never fires: {why}", _HINTS[bool(forms)])


_HINTS = {True: "compare with domain.toml, and with what rules write", False: "did you mean '||' instead of '&&'?"}


def silenced(rules: Sequence[Rule], extents: FeasibleSets) -> Iterator[LintWarning]:
    """Rules that another one silences whenever they could fire, and rules that do what another one does.

    Args:
        rules: in source order.
        extents: of these rules.
    """
    retracted = {action.rule for rule in rules for action in rule.actions if isinstance(action, Retract)}
    order = sorted(range(len(rules)), key=lambda position: -rules[position].salience)
    live = [position for position in order if extents.extents[position] and has_focus(rules[position])]
    steady = {p for p in live if rules[p].name not in retracted and not rules[p].lock_on_active}
    told: set[int] = set()
    room = MAX_PAIRS
    for bucket, ends in _buckets(rules, live):
        for place, narrow in enumerate(bucket):
            # One that ends the evaluation comes before all that it silences; the others of its bucket are those.
            for wide in bucket[:1] if ends else bucket[:place]:
                room -= 1
                if room < 0:
                    yield cut_short(rules[narrow], "all rules that others may silence")
                    return
                if narrow == wide or narrow in told or wide not in steady or same_table(rules[narrow], rules[wide]):
                    continue
                if extents.covers(wide, narrow):
                    told.add(narrow)
                    yield _shadow(rules[narrow], rules[wide], "ends the evaluation" if ends else "silences its group")
    yield from _repeated(rules, live, extents, told, room)


def _buckets(rules: Sequence[Rule], live: Sequence[int]) -> Iterator[tuple[list[int], bool]]:
    """Rules in the order in which they are tried, of which the earlier may silence the later."""
    groups: dict[str, list[int]] = {}
    for place, position in enumerate(live):
        group = rules[position].activation_group
        if group is not None:
            groups.setdefault(group, []).append(position)
        elif any(isinstance(action, Complete) for action in rules[position].actions):
            yield list(live[place:]), True
    for bucket in groups.values():
        if not all(same_table(rules[bucket[0]], rules[position]) for position in bucket):
            yield bucket, False


def _shadow(narrow: Rule, wide: Rule, how: str) -> LintWarning:
    message = f"rule '{narrow.name}' never fires: rule '{wide.name}' before it holds whenever it does, and {how}"
    return LintWarning(
        "rule-shadowed", narrow, message, "move it up, give it a higher salience, or narrow the other one"
    )


def _repeated(
    rules: Sequence[Rule], live: Sequence[int], extents: FeasibleSets, told: set[int], room: int
) -> Iterator[LintWarning]:
    """Rules that hold only when another one with the same actions does."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for position in sorted(live):
        if rules[position].activation_group is None and position not in told:
            alike.setdefault(tuple(map(print_action, rules[position].actions)), []).append(position)
    for bucket in alike.values():
        for earlier, later in pairs(rules, bucket):
            room -= 1
            if room < 0:
                yield cut_short(rules[later], "all rules that may repeat others")
                return
            narrow, wide = (later, earlier) if extents.covers(earlier, later) else (earlier, later)
            if narrow not in told and wide not in told and extents.covers(wide, narrow):
                told.add(narrow)
                message = f"rule '{rules[narrow].name}' repeats rule '{rules[wide].name}', which holds whenever it does"
                yield LintWarning("rule-repeated", rules[narrow], message, "drop one of them")


def pairs(rules: Sequence[Rule], bucket: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of rules, the earlier first, without those of one table, of which there may be very many."""
    groups: dict[str, list[int]] = {}
    for position in sorted(bucket):
        groups.setdefault(_table(rules[position]), []).append(position)
    yield from itertools.combinations(groups.get("", []), 2)
    for one, other in itertools.combinations(groups.values(), 2):
        yield from ((min(pair), max(pair)) for pair in itertools.product(one, other))


def cut_short(rule: Rule, what: str) -> LintWarning:
    """Says that a look at pairs of rules ended before the last pair."""
    message = f"the ruleset is too large to compare {what}; the comparison ended at rule '{rule.name}'"
    return LintWarning("rules-not-analysed", rule, message)


def same_table(one: Rule, other: Rule) -> bool:
    """Whether two rules are rows of one table, whose hit policy says what happens when both hold."""
    table = _table(one)
    return table != "" and table == _table(other)


def _table(rule: Rule) -> str:
    """The table that a rule is a row of; empty for none."""
    source = "" if rule.span is None else rule.span.source
    return "" if source.lower().endswith(".grl") else source
