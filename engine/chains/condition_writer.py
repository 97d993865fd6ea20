"""Write the test of a rule as the text of one Python expression.  step_code -> [condition_writer] -> rule_writer

Takes conjunctions: sets of values that fields may have, and residual tests. What has a short form in Python is written
out, by the kinds that the schema knows; all else is a call of the exact test that the record evaluation has. So a test
means the same, whatever the slots hold."""

from collections.abc import Iterable

from engine.chains.step_code import StepCode
from engine.evaluation import Expressions
from engine.facts import SlotLayout
from engine.language import And, Compare, Expression, Literal, Not, Or, Path
from engine.matching import Conjunction
from engine.values import NULL, TRUE, IntervalSet, ValueSet, literal

_FALSE = ValueSet(false=True)
#: Kinds of which Python's own operators order and equate two values that are not null.
_PLAIN = ("number", "text")
#: More intervals than that are looked up.
_MAX_POINTS = 2


class ConditionWriter:
    """Writes the tests of one function."""

    def __init__(self, code: StepCode, layout: SlotLayout, expressions: Expressions) -> None:
        """Prepare.

        Args:
            code: the function.
            layout: the slots of the program.
            expressions: compiles what is not written out.
        """
        self._code = code
        self._layout = layout
        self._expressions = expressions

    def any_of(self, conjunctions: Iterable[Conjunction], settled: frozenset[int]) -> str:
        """The test that one of several conjunctions holds; empty when it always does.

        Args:
            conjunctions: at least one.
            settled: slots whose tests hold for all facts that come here.
        """
        tests = [self._all_of(conjunction, settled) for conjunction in conjunctions]
        if not all(tests):
            return ""
        return tests[0] if len(tests) == 1 else " or ".join(f"({test})" for test in tests)

    def _all_of(self, conjunction: Conjunction, settled: frozenset[int]) -> str:
        fields = [(slot, values) for slot, values in conjunction.allowed.items() if slot not in settled]
        # Those first that let least through.
        fields.sort(key=lambda field: (field[1].only_texts is None, len(field[1].numbers.points) != _MAX_POINTS))
        tests = [self._allowed(slot, values) for slot, values in fields]
        return " and ".join([*tests, *map(self._truth, conjunction.residuals)])

    def _allowed(self, slot: int, values: ValueSet) -> str:
        """The test that a field has one of some values."""
        short = self._short(slot, values)
        if short:
            return short
        inverse = self._short(slot, ~values)
        return f"not ({inverse})" if inverse else f"{self._code.field(slot)} in {self._code.bind(values)}"

    def _short(self, slot: int, values: ValueSet) -> str:
        """The same where there is a short form; empty: there is none."""
        name, kind = self._code.field(slot), self._code.kinds.get(slot)
        for single, text in ((NULL, "None"), (TRUE, "True"), (_FALSE, "False")):
            if values == single:
                return f"{name} is {text}"
        if values.only_texts:
            texts = values.only_texts
            if len(texts) == 1:
                return f"{name} == {self._code.bind(texts[0])}"
            one_of = f"{name} in {self._code.bind(frozenset(texts))}"
            return one_of if kind == "text" else f"{name}.__class__ is str and {one_of}"
        numbers = values.numbers
        if len(numbers.points) > _MAX_POINTS or not (numbers.points or numbers.inside):
            return ""
        if kind == "number":
            # Of the other kinds there is none.
            return self._number(name, numbers, null=values.null)
        if values == ValueSet(numbers=numbers):
            return f"{name}.__class__ is float and {_within(name, numbers, self._code)}"
        return ""

    def _number(self, name: str, numbers: IntervalSet, *, null: bool) -> str:
        within = _within(name, numbers, self._code)
        if null:
            return f"({name} is None or {within})"
        # Null equals no number.
        return within if within.startswith(f"{name} == ") else f"{name} is not None and {within}"

    def _truth(self, node: Expression) -> str:
        """A residual test."""
        match node:
            case Not(operand):
                return f"not ({self._truth(operand)})"
            case And(operands):
                return " and ".join(f"({self._truth(operand)})" for operand in operands)
            case Or(operands):
                return f"({' or '.join(f'({self._truth(operand)})' for operand in operands)})"
            case Compare(op, left, right):
                sides = self._side(left), self._side(right)
                kinds = {side[1] for side in sides if side is not None}
                if None not in sides and len(kinds) == 1:
                    tests = [side[2] for side in sides if side is not None and side[2] and op not in ("==", "!=")]
                    compared = f" {op} ".join(side[0] for side in sides if side is not None)
                    return " and ".join([*tests, compared])
        return f"{self._code.bind(self._expressions.truth_of(node))}(slots)"

    def _side(self, node: Expression) -> tuple[str, str, str] | None:
        """One side of a comparison: its text, its kind, the test that it is not null; None: it has no short form."""
        if isinstance(node, Path) and (node.fact, node.steps) in self._layout.places:
            slot = self._layout.slot(node.fact, node.steps)
            kind = self._code.kinds.get(slot)
            name = self._code.field(slot)
            return (name, kind, f"{name} is not None") if kind in _PLAIN else None
        if isinstance(node, Literal):
            value = literal(node.value)
            if value.__class__ is float or value.__class__ is str:
                return self._code.bind(value), "number" if value.__class__ is float else "text", ""
        return None


def _within(name: str, numbers: IntervalSet, code: StepCode) -> str:
    """The test that a float is in a set of at most two ends."""
    single = numbers.numbers
    if single and not numbers.inside:
        return f"{name} == {code.bind(single[0])}"
    # Bound, not written out: rules that differ in their constants alone share their code.
    match numbers.inside, [code.bind(point) for point in numbers.points]:
        case True, []:
            return "True"
        case True, [end]:
            return f"{name} < {end}"
        case False, [start]:
            return f"{name} >= {start}"
        case False, [start, end]:
            return f"{start} <= {name} < {end}"
        case _, [start, end]:
            return f"not ({start} <= {name} < {end})"
    return "False"
