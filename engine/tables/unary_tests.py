"""Read the cells of a decision table: S-FEEL unary tests.  language -> [unary_tests] -> cell_nodes, reader

`< 10`, `[10..20)`, `"a","b"`, `not("a")`, `-`. A bare word that is no number, boolean, null or range is a text, so that
authors of CSV need no doubled quotes; in a column of texts everything bare is a text. Gives tests as plain values,
which `to_node` turns into nodes and `engine.tables.column_domain` into sets of values; a cell that can't be read for
certain is refused (`engine.tables.bare_texts` says what a bare text may be)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.checks import ValueKind, kind_of_value
from engine.language import (
    CompareOp,
    Expression,
    ListLiteral,
    Literal,
    Scalar,
    read_clock,
    read_moment,
)
from engine.tables.bare_texts import (
    CellRefused,
    refuse_decimal_comma,
    refuse_lookalikes,
    refuse_odd_number,
    refuse_unclear,
    refuse_unclear_reason,
    single_quoted,
)
from engine.values import (
    MAX_NUMBER_CHARACTERS,
    ValueRefused,
    exact_decimal,
    less_than,
    literal,
    normal_number,
    normal_text,
    number_problem,
)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_OPERATOR = re.compile(r"(<=|>=|!=|==|<>|=<|=>|<|>|=)\s*(.*)\Z", re.DOTALL)
#: A text in quotes that needs no expression reader to say what it means.
_QUOTED = re.compile(r'"([^"\\\n\0]*)"\Z')
_ESCAPED = re.compile(r'"(?:[^"\\]|\\.)*"\Z')
_NOT = re.compile(r"not\s*\((.*)\)\Z", re.DOTALL | re.IGNORECASE)
#: A time of day or a duration; which one it is, `@"…"` leaves to the text.
_CLOCK = re.compile(r'(?:@\s*|(time|duration)\s*\(\s*)"([^"]*)"\s*\)?\Z', re.IGNORECASE)
_DATE = re.compile(r'(?:@\s*|date(?:\s+and\s+time)?\s*\(\s*)"([^"]*)"\s*\)?\Z', re.IGNORECASE)
_CLOCK_KINDS = {"time": "10:30 or 10:30:15.5", "duration": "PT1H30M or P2D"}
#: How a value of a kind is written, for whoever wrote something else.
_WRITTEN: dict[ValueKind, str] = {
    "number": "a number has digits and a point alone: 1000.5; a test of it is < 5, [1..5], not(5), several are 1, 5",
    "boolean": "write true or false",
    "date": "write 2026-01-31 or 2026-01-31T09:30:00+00:00",
}
#: Where a value belongs that is of no use in a column of another kind.
_OTHER_COLUMNS = {
    "time": "test a time of day in a column of its own: when TimeOf(Order.placed)",
    "duration": "test a duration in a column of its own: when DurationBetween(Order.placed, Now())",
}
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_]")
_FIELD_ALONE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])+\Z")
#: Reads an expression that stands in a cell, or raises `CellRefused`.
ReadExpression = Callable[[str], Expression]
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "nil": None}
_OPERATORS: dict[str, CompareOp] = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class CellColumn:
    """What the cells of one column are read by."""

    kind: ValueKind
    #: Names of the facts that the table can read.
    facts: frozenset[str] = frozenset()
    #: The texts that its field can have, where the schema lists them: none of these is anything but a text.
    texts: frozenset[str] = frozenset()
    #: Whether its cells are sentences for people, which may have brackets and words of a condition.
    is_reason: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`< 10`, `"a"` (which is `== "a"`)."""

    op: CompareOp
    #: A constant, or an expression that reads other fields.
    operand: Expression


@dataclass(frozen=True, slots=True)
class Range:
    """`[10..20)`, `(Product.cost..Product.price]`."""

    #: Either end: a constant, or an expression that reads other fields.
    low: Expression
    low_closed: bool
    high: Expression
    high_closed: bool


@dataclass(frozen=True, slots=True)
class CellTests:
    """One cell: some of its tests hold; or, negated, none of them."""

    tests: tuple[Comparison | Range, ...]
    negated: bool = False


def read_tests(text: str, column: CellColumn, read: ReadExpression) -> CellTests | None:
    """Read an input cell.

    Args:
        text: the cell.
        column: of the cell.
        read: reads an operand that names a field.

    Returns:
        Its tests; None for `-` or nothing, which hold for everything.

    Raises:
        CellRefused: it can't be read.

    >>> read_tests("[1..5)", CellColumn("number"), read=Literal).tests[0].high
    Literal(value=Decimal('5'))
    """
    text = normal_text(text.strip())
    if text in ("", "-"):
        return None
    if column.kind in ("number", "any"):
        refuse_decimal_comma(text)
    negation = _NOT.match(text)
    inner = negation[1] if negation else text
    return CellTests(tuple(_test(part, column, read) for part in _parts(inner)), negation is not None)


def read_value(text: str, column: CellColumn, read: ReadExpression) -> Expression:
    """Read an output cell that is not blank: a constant, a list of them for a field of lists, or `= expression`.

    Args:
        text: the cell.
        column: of the cell.
        read: reads what follows `=`.

    Returns:
        The value.

    Raises:
        CellRefused: it can't be read.
    """
    text = normal_text(text.strip())
    if text.startswith("="):
        return read(text[1:])
    if column.kind in ("number", "any"):
        refuse_decimal_comma(text)
    if column.kind != "list":
        return _value(text, column, read)
    items = text[1:-1].strip() if text.startswith("[") and text.endswith("]") else text
    return ListLiteral(tuple(_value(part, column, read) for part in (_parts(items) if items else ())))


def _parts(text: str) -> list[str]:
    """What stands between commas that are not in quotes."""
    parts, start, quote, escaped = [], 0, "", False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quote and character == "\\":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        # Within a text a single quote is an apostrophe: Men's wear.
        elif character == '"' or (character == "'" and not text[start:position].strip("<>=! ")):
            quote = character
        elif character == ",":
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    if not all(part.strip() for part in parts):
        raise CellRefused("a value is missing between commas", 'a text with a comma in it is quoted: """a, b"""')
    return [part.strip() for part in parts]


def _test(text: str, column: CellColumn, read: ReadExpression) -> Comparison | Range:
    if text[0] in "[(]" and text[-1] in "])[" and ".." in text:
        first, _, second = text[1:-1].partition("..")
        low, high = _bound(first.strip(), column, read), _bound(second.strip(), column, read)
        if isinstance(low, Literal) and isinstance(high, Literal):
            if kind_of_value(low.value) != kind_of_value(high.value):
                raise CellRefused(f"the ends of '{text}' are of different kinds")
            if _after(low.value, high.value):
                raise CellRefused(f"'{text}' holds for nothing: its ends are the wrong way round")
        return Range(low, text[0] == "[", high, text[-1] == "]")
    comparison = _OPERATOR.match(text)
    if not comparison:
        # In no column is `Order.total` a value of its own: it can only be what that field has.
        return Comparison("==", read(text) if _is_field(text, column) else _value(text, column, read))
    written, operand = comparison[1], comparison[2]
    if written not in _OPERATORS:
        meant = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">="}[written]
        raise CellRefused(f"'{written}' is not an operator of a table", f"did you mean '{meant}'?")
    if not operand:
        raise CellRefused(f"a value is missing after '{written}'")
    node = read(operand) if _FIELD.match(operand) else _value(operand, column, read)
    op = _OPERATORS[written]
    if op not in ("==", "!=") and isinstance(node, Literal) and isinstance(node.value, bool | None):
        raise CellRefused(f"'{operand}' has no order", "order numbers, texts, dates, times or durations")
    return Comparison(op, node)


def _clock(written: str, kind: str, text: str) -> Scalar:
    try:
        return read_clock(written, kind)
    except ValueRefused as refused:
        raise CellRefused(f"'{text[:40]}' {refused}", f"write {_CLOCK_KINDS[kind]}") from refused


def _after(low: Scalar, high: Scalar) -> bool:
    return less_than(literal(high), literal(low))


def _bound(text: str, column: CellColumn, read: ReadExpression) -> Expression:
    if _FIELD.match(text):
        return read(text)
    value = _value(text, column, read) if text else None
    if value is None or isinstance(value.value, bool | None):
        raise CellRefused(
            f"'{text}' can't be the end of a range", "a range has two numbers, texts, dates, times or fields"
        )
    return value


def _is_field(text: str, column: CellColumn) -> bool:
    return _FIELD_ALONE.match(text) is not None and re.split(r"[.\[]", text, maxsplit=1)[0] in column.facts


def _value(text: str, column: CellColumn, read: ReadExpression) -> Literal:
    kind = column.kind
    quoted = _QUOTED.match(text)
    plain = quoted[1] if quoted else single_quoted(text)
    if plain is not None:
        value: Scalar = plain
    elif _ESCAPED.match(text):
        node = read(text)
        value = node.value if isinstance(node, Literal) else None
    else:
        value = _bare(text, kind)
        if isinstance(value, str) and value not in column.texts:
            _refuse_unclear(value, column)
    if kind == "date" and isinstance(value, str):
        value = read_moment(value)
        if value is None:
            raise CellRefused(f"'{text[:40]}' is not a date", _WRITTEN["date"])
    if kind in _CLOCK_KINDS and isinstance(value, str):
        value = _clock(value, kind, text)
    if kind in ("number", "boolean", "text", "date", *_CLOCK_KINDS) and kind_of_value(value) not in (kind, "null"):
        raise CellRefused(f"expected a {kind}, found '{text[:40]}'", _value_hint(text, kind, value))
    return Literal(value)


def _refuse_unclear(text: str, column: CellColumn) -> None:
    if column.is_reason:
        refuse_unclear_reason(text, column.facts)
        return
    refuse_lookalikes(text)
    # In the other columns no bare text is taken at all.
    if column.kind not in ("number", "boolean", "date", *_CLOCK_KINDS):
        refuse_unclear(text, column.facts)
    if column.kind == "any":
        refuse_odd_number(text)


def _value_hint(text: str, kind: ValueKind, value: Scalar) -> str:
    if kind_of_value(value) in _OTHER_COLUMNS:
        return _OTHER_COLUMNS[kind_of_value(value)]
    if kind != "number":
        return _WRITTEN.get(kind, "")
    if _FIELD.match(text):
        return "an expression begins with =: = Product.price * 0.9"
    if re.search(r"\band\b|&&|\.\.|\d\s*-\s*\d", text):
        return "a range is written [10..20), ends included or not"
    if text.endswith("%"):
        return "a percentage is its number: 5 % is 0.05"
    return "values of one cell have a comma between them" if ";" in text else _WRITTEN[kind]


def _bare(text: str, kind: ValueKind) -> Scalar:
    if text.lower() in ("null", "nil"):
        return None
    clock = _CLOCK.match(text)
    if clock and clock[1]:
        return _clock(clock[2], clock[1].lower(), text)
    if clock and read_moment(clock[2]) is None:
        # Between quotes a time of day begins with a digit, and a duration never does.
        return _clock(clock[2], "duration" if clock[2].lstrip(" -").startswith("P") else "time", text)
    dated = _DATE.match(text)
    if dated:
        moment = read_moment(dated[1])
        if moment is None:
            raise CellRefused(f"'{dated[1][:40]}' is not a date", _WRITTEN["date"])
        if not isinstance(moment, datetime) and "time" in text[: text.index('"')].lower():
            raise CellRefused(f"'{text[:40]}' has no time", f'the whole day is date("{dated[1]}")')
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
