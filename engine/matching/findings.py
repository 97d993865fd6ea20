"""What is found out about a list before any rule is asked.  slots -> [findings] -> element_index, compiler

A quantifier or an aggregate over a list that no rule writes has one answer for a whole evaluation: a finding, with a
slot of its own. In the conditions and actions of rules its path stands in the place of the node, so that for all that
comes after it is a field like any other. Decides which nodes are findings; who finds them out is `element_index`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.facts import ElementLayout, SlotLayout
from engine.language import (
    Action,
    Aggregate,
    Assign,
    Decide,
    Emit,
    Expression,
    Log,
    Path,
    Pattern,
    Quantifier,
    Rule,
    action_expressions,
    changed,
    children,
    has_focus,
)

#: Findings of one domain; what comes after these is found out by the rules that ask, as they ask.
MAX_FINDINGS = 1_000

Node = Quantifier | Aggregate


@dataclass(frozen=True, slots=True)
class ListFindings:
    """The nodes about one list whose answers have slots."""

    fact: str
    #: The slot that holds all booleans in one integer, by the order of `booleans`; those follow it.
    packed: int
    #: Each `exists` and `forall` to its path, in the order of their slots.
    booleans: Mapping[Node, Path]
    #: Each `Count` to its path, in the order of their slots.
    counts: Mapping[Node, Path]
    #: Every other aggregate to its path.
    folds: Mapping[Node, Path]

    @property
    def paths(self) -> dict[Node, Path]:
        """All of them."""
        return {**self.booleans, **self.counts, **self.folds}


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of a program."""

    lists: Sequence[ListFindings] = ()
    _paths: dict[Expression, Path] = field(default_factory=dict)

    def leave_out(self, nodes: Sequence[Node]) -> None:
        """Let some nodes stay what they are.

        Args:
            nodes: which are too costly to be found out for every evaluation.
        """
        for node in nodes:
            del self._paths[node]

    def in_rule(self, rule: Rule) -> Rule:
        """A rule with the paths of findings in it."""
        if not self._paths:
            return rule
        return replace(
            rule, condition=self.within(rule.condition), actions=tuple(self._in_action(one) for one in rule.actions)
        )

    def within(self, node: Expression) -> Expression:
        """An expression with the paths of findings in it."""
        path = self._paths.get(node) if isinstance(node, Quantifier | Aggregate) else None
        if path is not None:
            return path
        # A pattern looks at events, and asks anew for each of them.
        return node if isinstance(node, Pattern | Quantifier | Aggregate) else changed(node, self.within)

    def _in_action(self, action: Action) -> Action:
        match action:
            case Assign(_, _, value):
                return replace(action, value=self.within(value))
            case Decide(_, reason):
                return replace(action, reason=self.within(reason))
            case Log(text):
                return replace(action, text=self.within(text))
            case Emit(_, args):
                return replace(action, args=tuple(map(self.within, args)))
        return action


def find(rules: Sequence[Rule], layout: SlotLayout, changeable: frozenset[int], written: frozenset[str]) -> Findings:
    """The findings of some rules; each gets a slot.

    Args:
        rules: of a program.
        layout: has slots for all that they read; not yet frozen.
        changeable: the slots that some rule may change.
        written: the facts that some rule writes to.
    """
    nodes: dict[str, dict[Node, None]] = {}
    count = 0
    # Most programs read no list at all.
    for rule in rules if layout.elements else ():
        for node in _about_lists(rule) if has_focus(rule) else ():
            known = nodes.setdefault(node.fact, {})
            is_new = count < MAX_FINDINGS and node.fact not in written and node not in known
            if is_new and layout.note(node).isdisjoint(changeable):
                known[node] = None
                count += 1
    lists = [_slots(fact, list(found), layout) for fact, found in nodes.items() if found]
    return Findings(lists, {node: path for one in lists for node, path in one.paths.items()})


def _about_lists(rule: Rule) -> Iterator[Node]:
    stack = [rule.condition, *(node for action in rule.actions for node in action_expressions(action))]
    while stack:
        node = stack.pop()
        if isinstance(node, Quantifier | Aggregate):
            yield node
        elif not isinstance(node, Pattern):
            stack += children(node)


def _slots(fact: str, nodes: Sequence[Node], layout: SlotLayout) -> ListFindings:
    """Slots for the findings about one list, those of a sort one behind the other."""
    packed = layout.finding()
    booleans: dict[Node, Path] = {node: layout.finding() for node in nodes if isinstance(node, Quantifier)}
    counts: dict[Node, Path] = {node: layout.finding() for node in nodes if node.kind == "Count"}
    folds = {node: layout.finding() for node in nodes if node not in booleans and node not in counts}
    return ListFindings(fact, layout.slot(packed.fact, packed.steps), booleans, counts, folds)


def operand_of(node: Node) -> Expression:
    """What is asked of each element."""
    return node.condition if isinstance(node, Quantifier) else node.operand


def kinds_of(findings: ListFindings, layout: ElementLayout) -> dict[int, str]:
    """Slot of each finding to the kind of its values, where it is always the same; as a schema says it.

    Args:
        findings: about one list.
        layout: of its elements.
    """
    kinds = {layout.slot(path.fact, path.steps): "boolean" for path in findings.booleans.values()}
    for node, path in {**findings.counts, **findings.folds}.items():
        kind = "number"
        if node.kind in ("Min", "Max"):
            operand = operand_of(node)
            known = layout.kinds if isinstance(operand, Path) and operand.fact == findings.fact else {}
            kind = known.get(layout.slot(operand.fact, operand.steps), "") if isinstance(operand, Path) else ""
        if kind in ("number", "text"):
            kinds[layout.slot(path.fact, path.steps)] = kind
    return kinds
