"""Which rules may fare otherwise when one field has another value.  rules, facts -> [influence] -> cuts, nearest

A rule whose condition the other fields decide already is not among them; one that is hands the influence on, through
the fields that it writes and the rules that it keeps from firing. Names rather too many rules than too few."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.facts import Place, Role, reads
from engine.language import (
    And,
    Assign,
    Complete,
    Expression,
    Not,
    Or,
    Path,
    Retract,
    Rule,
    action_expressions,
    has_focus,
)
from engine.matching import validity
from engine.values import Value

#: A path that an expression reads, and the role that it has there.
Read = tuple[Path, Role]


@dataclass(frozen=True, slots=True)
class Dependents:
    """What one field has influence on."""

    #: Names of the rules.
    rules: frozenset[str]
    #: The field itself, and the fields that those rules write.
    places: frozenset[Place]


def touches(place: Place, path: Path, role: Role) -> bool:
    """Whether a path, in the role that it has in an expression, may read a field.

    >>> touches(("Line", (2, "qty")), Path("Line", ("qty",)), "element")
    True
    """
    fact, steps = place
    if path.fact != fact or role == "list":
        return False
    if role == "element" and steps and isinstance(steps[0], int):
        steps = steps[1:]
    shorter = min(len(steps), len(path.steps))
    return steps[:shorter] == path.steps[:shorter]


def leaves(condition: Expression) -> Iterator[Expression]:
    """What is left of a condition when it is taken apart at its `&&`, `||` and `!`."""
    match condition:
        case And(operands) | Or(operands):
            for operand in operands:
                yield from leaves(operand)
        case Not(operand):
            yield from leaves(operand)
        case _:
            yield condition


class DependencyGraph:
    """Follows the influence of fields, for one set of facts."""

    def __init__(self, rules: Iterable[Rule], as_of: Value, truth: Callable[[Expression], bool | None]) -> None:
        """Read the rules.

        Args:
            rules: of the program.
            as_of: the moment of judging, in UTC.
            truth: whether a leaf held before any rule fired; None when that can't be said.
        """
        #: Rules that may fire at that moment, by name.
        self.rules = {rule.name: rule for rule in rules if _may_fire(rule, as_of)}
        #: What the leaves of each condition read.
        self.leaves: dict[str, list[tuple[Expression, list[Read]]]] = {}
        self._used: dict[str, list[Read]] = {}
        self._writes: dict[str, list[Place]] = {}
        self._readers: dict[tuple[str, str | None], dict[str, None]] = {}
        self._groups: dict[str | None, list[str]] = {}
        self._truth = truth
        self._truths: dict[int, bool | None] = {}
        for name, rule in self.rules.items():
            self._add(name, rule)
        self._fed = frozenset(place for places in self._writes.values() for place in places)

    def of(self, place: Place) -> Dependents:
        """The rules that a field has influence on."""
        places, affected = {place}, set[str]()
        waiting: list[tuple[str, bool]] = [(name, False) for name in self._readers_of(place)]
        while waiting:
            name, steered = waiting.pop()
            if name in affected or not self._is_affected(name, places, steered):
                continue
            affected.add(name)
            for written in self._writes[name]:
                if written not in places:
                    places.add(written)
                    waiting += [(reader, False) for reader in self._readers_of(written)]
            waiting += [(other, True) for other in self._steered_by(self.rules[name])]
        return Dependents(frozenset(affected), frozenset(places))

    def _add(self, name: str, rule: Rule) -> None:
        self.leaves[name] = [(leaf, list(reads(leaf))) for leaf in leaves(rule.condition)]
        computed = [one for action in rule.actions for one in action_expressions(action)]
        targets = [action.target for action in rule.actions if isinstance(action, Assign)]
        # Whether a target changes depends on what it was, so a rule uses what it writes.
        self._used[name] = [read for one in computed for read in reads(one)] + [(target, "field") for target in targets]
        self._writes[name] = [(target.fact, target.steps) for target in targets]
        for path, _ in [*self._used[name], *(read for _, found in self.leaves[name] for read in found)]:
            self._readers.setdefault((path.fact, _first_name(path.steps)), {})[name] = None
        self._groups.setdefault(rule.activation_group, []).append(name)

    def _readers_of(self, place: Place) -> list[str]:
        """Rules that may read a field; not all of them do."""
        fact, steps = place
        name = _first_name(steps)
        keys = {key for key in self._readers if key[0] == fact} if name is None else {(fact, name), (fact, None)}
        return [reader for key in keys for reader in self._readers.get(key, ())]

    def _steered_by(self, rule: Rule) -> list[str]:
        """Rules that a rule may keep from firing."""
        if any(isinstance(action, Complete) for action in rule.actions):
            return list(self.rules)
        retracted = [
            action.rule for action in rule.actions if isinstance(action, Retract) and action.rule in self.rules
        ]
        return retracted + (self._groups[rule.activation_group] if rule.activation_group is not None else [])

    def _is_affected(self, name: str, places: set[Place], steered: bool) -> bool:
        truth = self._settled(self.rules[name].condition, iter(self.leaves[name]), places)
        if truth is False:
            return False
        if steered or any(touches(place, *read) for read in self._used[name] for place in places):
            return True
        if truth is True:
            return False
        return any(touches(place, *read) for _, found in self.leaves[name] for read in found for place in places)

    def _settled(
        self, node: Expression, found: Iterator[tuple[Expression, list[Read]]], places: set[Place]
    ) -> bool | None:
        """What a condition comes to whatever those fields are; None when that depends."""
        match node:
            case And(operands) | Or(operands):
                decisive = isinstance(node, Or)
                truths = [self._settled(operand, found, places) for operand in operands]
                if decisive in truths:
                    return decisive
                return None if None in truths else not decisive
            case Not(operand):
                truth = self._settled(operand, found, places)
                return None if truth is None else not truth
        leaf, paths = next(found)
        if any(touches(place, *read) for read in paths for place in places):
            return None
        if id(leaf) not in self._truths:
            fed = any(touches(place, *read) for read in paths for place in self._fed)
            self._truths[id(leaf)] = None if fed else self._truth(leaf)
        return self._truths[id(leaf)]


def _may_fire(rule: Rule, as_of: Value) -> bool:
    moments = validity(rule)
    return has_focus(rule) and (moments is None or as_of in moments)


def _first_name(steps: tuple[str | int, ...]) -> str | None:
    return next((step for step in steps[:2] if isinstance(step, str)), None)
