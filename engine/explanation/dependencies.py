"""Which rules depend on one field, for given facts.

Takes rules, the moment of judging and what the leaves of their conditions came to; gives the rules whose part in the
evaluation may change when a field has another value. A rule whose condition the other fields decide already is not
among them. A rule that is passes the dependence on: to the readers of the fields that it writes, and to the rules that
it may keep from firing. Errs on one side only: it may name a rule too many, and never one too few."""

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
    """What depends on one field."""

    #: Names of the rules.
    rules: frozenset[str]
    #: The field itself, and the fields that those rules write.
    places: frozenset[Place]


def touches(place: Place, path: Path, role: Role) -> bool:
    """Whether a path, in the role that it has in an expression, may read a field.

    Args:
        place: the field.
        path: as it stands in the expression.
        role: what it means there (`engine.facts.reads`).

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
    """The rules of a program, and which of them depends on what, for one set of facts."""

    def __init__(self, rules: Iterable[Rule], as_of: Value, truth: Callable[[Expression], bool | None]) -> None:
        """Collect what rules read and write.

        Args:
            rules: of the program.
            as_of: the moment of judging, in UTC.
            truth: whether a leaf held before any rule fired; None: unknown, because the facts were refused.
        """
        #: Rules that may fire at that moment, by name.
        self.rules = {rule.name: rule for rule in rules if _may_fire(rule, as_of)}
        #: By rule: the leaves of its condition, each with what it reads.
        self.leaves: dict[str, list[tuple[Expression, list[Read]]]] = {}
        #: By rule: what its actions compute with.
        self._used: dict[str, list[Read]] = {}
        self._writes: dict[str, list[Place]] = {}
        #: Fact and first field of a path to the rules that read it; None: the fact as a whole.
        self._readers: dict[tuple[str, str | None], dict[str, None]] = {}
        self._groups: dict[str | None, list[str]] = {}
        self._truth = truth
        #: By identity: two rules may have equal leaves, and comparing them costs more than testing both.
        self._truths: dict[int, bool | None] = {}
        for name, rule in self.rules.items():
            self._add(name, rule)
        #: Places that some rule writes.
        self._written = frozenset(place for places in self._writes.values() for place in places)

    def dependents(self, place: Place) -> Dependents:
        """The rules that depend on a field."""
        places, affected = {place}, set[str]()
        #: Rules to look at, and whether another rule may keep them from firing.
        waiting: list[tuple[str, bool]] = [(name, False) for name in self._readers_of(place)]
        while waiting:
            name, held_back = waiting.pop()
            if name in affected or not self._is_affected(name, places, held_back):
                continue
            affected.add(name)
            for written in self._writes[name]:
                if written not in places:
                    places.add(written)
                    waiting += [(reader, False) for reader in self._readers_of(written)]
            waiting += [(other, True) for other in self._held_back_by(self.rules[name])]
        return Dependents(frozenset(affected), frozenset(places))

    def _add(self, name: str, rule: Rule) -> None:
        self.leaves[name] = [(leaf, list(reads(leaf))) for leaf in leaves(rule.condition)]
        computed = [node for action in rule.actions for node in action_expressions(action)]
        targets = [action.target for action in rule.actions if isinstance(action, Assign)]
        # Whether a target changes depends on what it was, so a rule uses what it writes.
        self._used[name] = [read for node in computed for read in reads(node)] + [
            (target, "field") for target in targets
        ]
        self._writes[name] = [(target.fact, target.steps) for target in targets]
        for path, _ in [*self._used[name], *(read for _, paths in self.leaves[name] for read in paths)]:
            self._readers.setdefault((path.fact, _first_name(path.steps)), {})[name] = None
        self._groups.setdefault(rule.activation_group, []).append(name)

    def _readers_of(self, place: Place) -> list[str]:
        """Rules that may read a field; not all of them do."""
        fact, steps = place
        name = _first_name(steps)
        keys = {key for key in self._readers if key[0] == fact} if name is None else {(fact, name), (fact, None)}
        return [reader for key in keys for reader in self._readers.get(key, ())]

    def _held_back_by(self, rule: Rule) -> list[str]:
        """Rules that a rule may keep from firing."""
        if any(isinstance(action, Complete) for action in rule.actions):
            return list(self.rules)
        retracted = [
            action.rule for action in rule.actions if isinstance(action, Retract) and action.rule in self.rules
        ]
        return retracted + (self._groups[rule.activation_group] if rule.activation_group is not None else [])

    def _is_affected(self, name: str, places: set[Place], held_back: bool) -> bool:
        truth = self._truth_without(self.rules[name].condition, iter(self.leaves[name]), places)
        if truth is False:
            return False
        if held_back or any(touches(place, *read) for read in self._used[name] for place in places):
            return True
        if truth is True:
            return False
        return any(touches(place, *read) for _, paths in self.leaves[name] for read in paths for place in places)

    def _truth_without(
        self, node: Expression, leaves_left: Iterator[tuple[Expression, list[Read]]], places: set[Place]
    ) -> bool | None:
        """What a condition comes to whatever some fields have; None when it depends on them.

        Args:
            node: the condition, or a part of it.
            leaves_left: its leaves with what they read, left to right; taken from as the parts are visited.
            places: the fields.
        """
        match node:
            case And(operands) | Or(operands):
                decisive = isinstance(node, Or)
                truths = [self._truth_without(operand, leaves_left, places) for operand in operands]
                if decisive in truths:
                    return decisive
                return None if None in truths else not decisive
            case Not(operand):
                truth = self._truth_without(operand, leaves_left, places)
                return None if truth is None else not truth
        leaf, paths = next(leaves_left)
        if any(touches(place, *read) for read in paths for place in places):
            return None
        if id(leaf) not in self._truths:
            may_change = any(touches(place, *read) for read in paths for place in self._written)
            self._truths[id(leaf)] = None if may_change else self._truth(leaf)
        return self._truths[id(leaf)]


def _may_fire(rule: Rule, as_of: Value) -> bool:
    """Whether a rule is in force at that moment, and in the agenda group that has the focus."""
    moments = validity(rule)
    return has_focus(rule) and (moments is None or as_of in moments)


def _first_name(steps: tuple[str | int, ...]) -> str | None:
    return next((step for step in steps[:2] if isinstance(step, str)), None)
