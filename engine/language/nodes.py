"""What a rule is, once read.  diagnostics, plain_class -> [nodes] -> parser, tables, checks, evaluation, matching

Plain frozen values, without behaviour: the parser and the decision tables make them, everything after reads them.
Equality is equality of meaning: where a node stood in its file (`span`) takes no part in it. Trees are shallow by
construction (`engine.language.expression_parser.MAX_DEPTH`), so recursing over one is safe."""

import typing
from datetime import date, time, timedelta
from decimal import Decimal

from engine.diagnostics import Span
from engine.plain_class import dataclass, field
from engine.values import Day

#: What a literal or a value of a fact may be.
Scalar = None | bool | str | Decimal | date | Day | time | timedelta

CompareOp = typing.Literal["==", "!=", "<", "<=", ">", ">="]

#: The operator that compares the same two operands the other way round: `a < b` is `b > a`.
MIRRORED: dict[CompareOp, CompareOp] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

ArithmeticOp = typing.Literal["+", "-", "*", "/", "%"]

TextOp = typing.Literal["contains", "startsWith", "endsWith", "matches"]

QuantifierKind = typing.Literal["exists", "forall"]

AggregateKind = typing.Literal["Count", "CountDistinct", "Sum", "Min", "Max", "Avg"]

AssignOp = typing.Literal["=", "+=", "-=", "*=", "/="]

Outcome = typing.Literal["accept", "review", "reject"]


@dataclass(frozen=True, slots=True)
class Node:
    """What every node has."""

    #: Where it stood; None for a node that no text was written for.
    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A constant: null, boolean, text, number, date, time of day or duration."""

    #: Numbers have at most 15 significant digits. As it is written, a date without a time is a plain `date`, and a
    #: datetime without an offset has no zone; once the domain's zone is settled, they are `Day` and moments in UTC.
    value: Scalar

    # Python holds True == Decimal(1); rules do not, and neither may a cache keyed by nodes.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Literal):
            return NotImplemented
        return type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """`["a", Product.brand, 3]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`Order.customer.tags[0]`: a fact, then member names and list positions."""

    fact: str
    #: A name steps into an object, a number (from 0) into a list; empty for the whole fact.
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Item(Node):
    """`Order.rates[Order.country]`: what a list has at a place, or an object under a name, that only facts can say.

    A place is a whole number from 0; anything else, and what is not there, gives null. `A.l[0]` is a `Path`."""

    #: The list or the object.
    base: "Expression"
    #: The place or the name; a literal where members follow: `Line[A.i].qty`.
    key: "Expression"


@dataclass(frozen=True, slots=True)
class And(Node):
    """Every operand holds; at least two of them."""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Some operand holds; at least two of them."""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Plain negation of the truth of the operand."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Negate(Node):
    """Unary minus on something that is not a literal (`-3` is `Literal(-3)`)."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`left op right`."""

    op: CompareOp
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`left op right` over numbers; `+` also joins texts."""

    op: ArithmeticOp
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """`item in container`."""

    item: "Expression"
    container: "Expression"


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """`left contains right` and its kin; `contains` also looks for an element of a list."""

    op: TextOp
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(args)`; a method form `x.Name(y)` has become `Name(x, y)`."""

    name: str
    args: tuple["Expression", ...] = ()


@dataclass(frozen=True, slots=True)
class Quantifier(Node):
    """`exists(...)` or `forall(...)` over a list fact; never inside another quantifier or aggregate."""

    kind: QuantifierKind
    #: The list fact; within `condition` a path on it means the element at hand.
    fact: str
    #: `Literal(True)` when only the list was named: `exists(Line)`.
    condition: "Expression"


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """One number over a list fact; never inside a quantifier or another aggregate."""

    kind: AggregateKind
    #: The list fact; within `operand` a path on it means the element at hand.
    fact: str
    #: For `Count` a condition (`Literal(True)` when only the list was named), else a number.
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """`a.country`: a field of the event that a binding stands for; only within the pattern of that binding."""

    #: Of the binding.
    name: str
    #: The stream that the event is of.
    stream: str
    #: A name first; never empty.
    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Binding(Node):
    """`a: Payment from stream("payments") over window(10 min, sliding)`, or `not a: …` for an absence."""

    name: str
    #: What the events are: the fact that the stream groups.
    fact: str
    #: The list fact that holds the events.
    stream: str
    #: Seconds; an event of exactly that age is out.
    window_s: int
    #: Whether there must be no such event, rather than one.
    absent: bool = False
    #: The fact and the field that say how old an event is, where that has to be asked because the window is shorter
    #: than the stream's; None where every event of the stream is in, and as long as no schema was asked.
    time: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """Several events at once; only a whole condition, or the last operand of its outermost `&&`.

    Holds when there are events, a different one for each binding, with which all operands hold that name no absence;
    and for each absence no event besides them with which the operands hold that name it."""

    #: At least one that is no absence; all of one stream.
    bindings: tuple[Binding, ...]
    #: Each names a binding, and at most one absence.
    operands: tuple["Expression", ...] = ()


Expression = (
    Literal
    | ListLiteral
    | Path
    | Item
    | And
    | Or
    | Not
    | Negate
    | Compare
    | Arithmetic
    | Membership
    | TextTest
    | Call
    | Quantifier
    | Aggregate
    | Bound
    | Pattern
)


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`Product.price *= 0.9;`."""

    #: Names a field, never a whole fact.
    target: Path
    op: AssignOp
    value: Expression


@dataclass(frozen=True, slots=True)
class Decide(Node):
    """`Reject("why");`: asks for an outcome; the worst that any fired rule asked for wins."""

    outcome: Outcome
    #: `Literal("")` when the rule gave none.
    reason: Expression


@dataclass(frozen=True, slots=True)
class Log(Node):
    """`Log("text");`: kept with the evaluation, no other effect."""

    text: Expression


@dataclass(frozen=True, slots=True)
class Retract(Node):
    """`Retract("rule");`: that rule does not fire any more in this evaluation."""

    rule: str


@dataclass(frozen=True, slots=True)
class Complete(Node):
    """`Complete();`: no further rule fires in this evaluation."""


@dataclass(frozen=True, slots=True)
class Emit(Node):
    """`SendAlert("low stock");`: a call that the schema declares; kept as an event of the verdict, not executed."""

    name: str
    args: tuple[Expression, ...] = ()


Action = Assign | Decide | Log | Retract | Complete | Emit


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """One rule: `when` its condition holds, `then` its actions run in order. Its span is that of its name."""

    #: Unique in its ruleset.
    name: str
    condition: Expression
    actions: tuple[Action, ...]
    description: str = ""
    #: Higher fires first; equal ones in source order.
    salience: int = 0
    #: Its own changes do not make it fire again.
    no_loop: bool = False
    #: Fires once, whatever changes later.
    lock_on_active: bool = False
    #: Fires once, whatever changes later: a row of a decision table. No attribute of GRL says so.
    once: bool = False
    #: Rules of another group than `MAIN` wait for a focus, which nothing gives them.
    agenda_group: str | None = None
    #: The first of the group to fire excludes the rest.
    activation_group: str | None = None
    #: Not before this moment or day (`as_of` decides).
    date_effective: date | Day | None = None
    #: From this moment on no more; on a day still.
    date_expires: date | Day | None = None
