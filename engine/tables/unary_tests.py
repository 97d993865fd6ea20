"""Read the cells of a decision table: S-FEEL unary tests.  language -> [unary_tests] -> reader, column_domain

`< 10`, `[10..20)`, `"a","b"`, `not("a")`, `-`. A bare word that is no number, boolean, null or range is a text, so that
authors of CSV need no doubled quotes; in a column of texts everything bare is a text. Gives tests as plain values,
which `to_node` turns into nodes and `engine.tables.column_domain` into sets of values; a cell that can't be read for
certain is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.checks import ValueKind, kind_of_value
from engine.diagnostics import Span
from engine.language import (
    And,
    Compare,
    CompareOp,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Not,
    Or,
    Path,
    Scalar,
    TextTest,
    read_moment,
)
from engine.values import MAX_NUMBER_CHARACTERS, exact_decimal, normal_number, number_problem

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_OPERATOR = re.compile(r"(<=|>=|!=|==|<>|=<|=>|<|>|=)\s*(.*)\Z", re.DOTALL)
#: A text in quotes that needs no expression reader to say what it means.
_QUOTED = re.compile(r'"([^"\\\n\0]*)"\Z')
_NOT = re.compile(r"not\s*\((.*)\)\Z", re.DOTALL | re.IGNORECASE)
_DATE = re.compile(r'(?:@\s*|date\s*\(\s*)"([^"]*)"\s*\)?\Z', re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_]")
#: Reads an expression that stands in a cell, or raises `CellRefused`.
ReadExpression = Callable[[str], Expression]
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "nil": None}
_OPERATORS: dict[str, CompareOp] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "==", "!=": "!="}


class CellRefused(Exception):
    """A cell that can't be read. Args: the message, and a hint that may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Comparison:
    """`< 10`, `"a"` (which is `== "a"`)."""

    op: CompareOp
    #: A constant, or an expression that reads other fields.
    operand: Expression


@dataclass(frozen=True, slots=True)
class Range:
    """`[10..20)`."""

    low: Literal
    low_closed: bool
    high: Literal
    high_closed: bool


@dataclass(frozen=True, slots=True)
class CellTests:
    """One cell: some of its tests hold; or, negated, none of them."""

    tests: tuple[Comparison | Range, ...]
    negated: bool = False


def read_tests(text: str, kind: ValueKind, read: ReadExpression) -> CellTests | None:
    """Read an input cell.

    Args:
        text: the cell.
        kind: of its column.
        read: reads an operand that names a field.

    Returns:
        Its tests; None for `-` or nothing, which hold for everything.

    Raises:
        CellRefused: it can't be read.

    >>> read_tests("[1..5)", "number", read=Literal).tests[0].high
    Literal(value=Decimal('5'))
    """
    text = text.strip()
    if text in ("", "-"):
        return None
    negation = _NOT.match(text)
    inner = negation[1] if negation else text
    return CellTests(tuple(_test(part, kind, read) for part in _parts(inner)), negation is not None)


def read_value(text: str, kind: ValueKind, read: ReadExpression) -> Expression:
    """Read an output cell that is not blank: a constant, or `= expression`.

    Args:
        text: the cell.
        kind: of the field that it is assigned to.
        read: reads what follows `=`.

    Returns:
        The value.

    Raises:
        CellRefused: it can't be read.
    """
    text = text.strip()
    return read(text[1:]) if text.startswith("=") else _value(text, kind, read)


def _parts(text: str) -> list[str]:
    """What stands between commas that are not in quotes."""
    parts, start, quoted, escaped = [], 0, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    if not all(part.strip() for part in parts):
        raise CellRefused("a value is missing between commas", 'a text with a comma in it is quoted: """a, b"""')
    return [part.strip() for part in parts]


def _test(text: str, kind: ValueKind, read: ReadExpression) -> Comparison | Range:
    if text[0] in "[(]" and text[-1] in "])[" and ".." in text:
        first, _, second = text[1:-1].partition("..")
        low, high = _bound(first.strip(), kind, read), _bound(second.strip(), kind, read)
        if kind_of_value(low.value) != kind_of_value(high.value):
            raise CellRefused(f"the ends of '{text}' are of different kinds")
        if _after(low.value, high.value):
            raise CellRefused(f"'{text}' holds for nothing: its ends are the wrong way round")
        return Range(low, text[0] == "[", high, text[-1] == "]")
    comparison = _OPERATOR.match(text)
    if not comparison:
        return Comparison("==", _value(text, kind, read))
    written, operand = comparison[1], comparison[2]
    if written not in _OPERATORS:
        meant = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">="}[written]
        raise CellRefused(f"'{written}' is not an operator of a table", f"did you mean '{meant}'?")
    if not operand:
        raise CellRefused(f"a value is missing after '{written}'")
    node = read(operand) if _FIELD.match(operand) else _value(operand, kind, read)
    op = _OPERATORS[written]
    if op not in ("==", "!=") and isinstance(node, Literal) and isinstance(node.value, bool | None):
        raise CellRefused(f"'{operand}' has no order", "order numbers, texts or dates")
    return Comparison(op, node)


def _after(low: Scalar, high: Scalar) -> bool:
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        return low > high
    if isinstance(low, datetime) and isinstance(high, datetime):
        return low > high
    return isinstance(low, str) and isinstance(high, str) and low > high


def _bound(text: str, kind: ValueKind, read: ReadExpression) -> Literal:
    value = _value(text, kind, read) if text else None
    if value is None or not isinstance(value, Literal) or isinstance(value.value, bool | None):
        raise CellRefused(f"'{text}' can't be the end of a range", "a range has two numbers, texts or dates")
    return value


def _value(text: str, kind: ValueKind, read: ReadExpression) -> Literal:
    quoted = _QUOTED.match(text)
    if quoted:
        value: Scalar = quoted[1]
    elif text.startswith('"'):
        node = read(text)
        if not isinstance(node, Literal):
            raise CellRefused(f"'{text[:40]}' is not a value", "write = before an expression")
        value = node.value
    else:
        value = _bare(text, kind)
    if kind == "date" and isinstance(value, str):
        value = read_moment(value)
        if value is None:
            raise CellRefused(f"'{text[:40]}' is not a date", "write 2026-01-31 or 2026-01-31T09:30:00+00:00")
    if kind in ("number", "boolean", "text", "date") and kind_of_value(value) not in (kind, "null"):
        raise CellRefused(f"expected a {kind}, found '{text[:40]}'", _value_hint(text, kind))
    return Literal(value)


def _value_hint(text: str, kind: ValueKind) -> str:
    if kind != "number":
        return ""
    if re.search(r"\band\b|&&|\.\.|\d\s*-\s*\d", text):
        return "a range is written [10..20), ends included or not"
    return "values of one cell have a comma between them" if ";" in text else ""


def _bare(text: str, kind: ValueKind) -> Scalar:
    if text.lower() in ("null", "nil"):
        return None
    dated = _DATE.match(text)
    if dated:
        moment = read_moment(dated[1])
        if moment is None:
            raise CellRefused(f"'{dated[1][:40]}' is not a date", "write 2026-01-31 or 2026-01-31T09:30:00+00:00")
        return moment
    if kind == "text":
        return text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if not _NUMBER.match(text):
        return text
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise CellRefused(f"a number has at most {MAX_NUMBER_CHARACTERS} characters")
    number = exact_decimal(text)
    problem = number_problem(number)
    if problem:
        raise CellRefused(problem)
    return normal_number(number)


def to_node(tests: CellTests, subject: Expression, kind: ValueKind, span: Span) -> Expression:
    """The condition that a cell stands for.

    Args:
        tests: the cell.
        subject: the expression of its column.
        kind: of the column; in a column of lists a value is looked for in the list.
        span: the place of the cell.

    Returns:
        The node; several plain values become one membership.
    """
    if len(tests.tests) > 1 and kind != "list" and all(_plain(test) for test in tests.tests):
        items = tuple(_at(test.operand, span) for test in tests.tests if isinstance(test, Comparison))
        node: Expression = Membership(subject, ListLiteral(items, span=span), span=span)
    else:
        nodes = tuple(_one(test, subject, kind, span) for test in tests.tests)
        node = nodes[0] if len(nodes) == 1 else Or(nodes, span=span)
    return Not(node, span=span) if tests.negated else node


def _plain(test: Comparison | Range) -> bool:
    return isinstance(test, Comparison) and test.op == "==" and isinstance(test.operand, Literal)


def _one(test: Comparison | Range, subject: Expression, kind: ValueKind, span: Span) -> Expression:
    if isinstance(test, Range):
        low = Compare(">=" if test.low_closed else ">", subject, _at(test.low, span), span=span)
        high = Compare("<=" if test.high_closed else "<", subject, _at(test.high, span), span=span)
        return And((low, high), span=span)
    if kind == "list" and test.op == "==":
        return TextTest("contains", subject, _at(test.operand, span), span=span)
    return Compare(test.op, subject, _at(test.operand, span), span=span)


def _at(node: Expression, span: Span) -> Expression:
    """The same constant or path, at the place of its cell."""
    if isinstance(node, Literal):
        return Literal(node.value, span=span)
    return Path(node.fact, node.steps, span=span) if isinstance(node, Path) else node
