"""Turn a decision table into rules.  csv_cells, unary_tests, cell_nodes, hit_policies, analysis -> [reader] -> ruleset

Takes a CSV file or a sheet, gives the same nodes as GRL: one rule per row, named `<file stem>#<row>`, so that one
engine runs both. The first header cell may be a hit policy; the other columns are `when <expression>` (cells: S-FEEL
tests), `then Review` and its kin (cells: the reason), `then <field>` (cells: the value) and `note` (for people). An
output may have a default, for facts that no row holds for."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TypeVar

from engine.checks import kind_of
from engine.language import (
    MAX_RULES,
    Action,
    And,
    Assign,
    Decide,
    Expression,
    ListLiteral,
    Literal,
    Log,
    Outcome,
    Path,
    Rule,
    Source,
    TooManyProblems,
    read_expression,
)
from engine.schema import Schema
from engine.tables.analysis import report_overlaps
from engine.tables.bare_texts import CellRefused
from engine.tables.cell_nodes import to_node
from engine.tables.csv_cells import Cell, Sheet, read_cells
from engine.tables.hit_policies import HIT_POLICIES, Row, in_order, rules_of
from engine.tables.unary_tests import CellColumn, CellTests, read_tests, read_value

#: What a cell says.
_Read = TypeVar("_Read")

#: A fact, where a header reads a member of it.
_FACT = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]*)\.[A-Za-z_]")
#: Stands between an output and what it is when no row holds.
_DEFAULT = re.compile(r"(?<=\S)\s+default\s+", re.IGNORECASE)
_DECISIONS: dict[str, Outcome] = {"accept": "accept", "review": "review", "reject": "reject"}


@dataclass(frozen=True, slots=True)
class Input:
    """A `when` column."""

    position: int
    subject: Expression
    cells: CellColumn
    #: What each different cell means that reads no field: a table says the same things again and again.
    read: dict[str, CellTests | None] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Output:
    """A `then` column: an outcome, `log`, or the field that its cells are assigned to."""

    position: int
    effect: Outcome | Path | None
    cells: CellColumn
    #: What each different cell gives that reads no field.
    read: dict[str, Expression] = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class _Header:
    policy: str
    named: bool
    inputs: list[Input]
    outputs: list[Output]
    #: What the outputs are when no row holds.
    defaults: list[Action]


def read_table(source: Source, schema: Schema | None, *, overlaps: bool = True) -> tuple[Rule, ...]:
    """Read a decision table.

    Args:
        source: a CSV file or a sheet; takes the problems.
        schema: kinds of the fields; None: a cell's own form says its kind.
        overlaps: whether rows are looked through for what gets in each other's way; default True.

    Returns:
        Its rules in the order in which they are tried. Those of rows with problems are left out.
    """
    try:
        return _Table(source, schema).rules(overlaps)
    except TooManyProblems:
        return ()


class _Table:
    """One reading of one table."""

    def __init__(self, source: Source, schema: Schema | None) -> None:
        self._source = source
        self._schema = schema
        self._facts = frozenset(schema.facts if schema else ())
        #: Expressions that were read in cells: each has its own place, so what has one is not read once for all.
        self._operands = 0
        self._stem = source.stem if isinstance(source, Sheet) else PurePosixPath(source.name).stem

    def rules(self, overlaps: bool) -> tuple[Rule, ...]:
        cells = self._source.cells if isinstance(self._source, Sheet) else read_cells(self._source)
        if len(cells) < 2:
            message = "a table needs a header and at least one row"
            self._source.report("table-header", 0, 1, message, "when Product.price,then Review")
            return ()
        header = self._header(cells[0])
        if header is None:
            return ()
        if len(cells) - 1 > MAX_RULES:
            first = cells[MAX_RULES + 1][0]
            self._source.report("too-many-rules", first.start, first.end, f"a table has at most {MAX_RULES:,} rows")
            return ()
        before = self._errors()
        width = len(cells[0])
        rows = [self._row(number, row, header, width) for number, row in enumerate(cells[1:], 1)]
        if self._errors() == before:
            columns = [(column.subject, column.cells.kind) for column in header.inputs]
            targets = [column.effect for column in header.outputs]
            rows = in_order(header.policy, rows, targets, self._source, self._schema)
            default = self._default(header, cells[0])
            rules = rules_of(header.policy, rows, default, self._source, self._schema)
            if overlaps:
                named = default is not None
                report_overlaps(header.policy, rows, columns, self._source, self._schema, has_default=named)
            return rules
        return tuple(row.rule for row in rows)

    def _errors(self) -> int:
        return sum(diagnostic.severity == "error" for diagnostic in self._source.diagnostics)

    def _problem(self, cell: Cell, code: str, message: str, hint: str = "") -> None:
        self._source.report(code, cell.start, max(cell.end, cell.start + 1), message, hint)

    # Header

    def _header(self, cells: list[Cell]) -> _Header | None:
        before = self._errors()
        if self._schema is None:
            self._facts = frozenset(fact for cell in cells for fact in _FACT.findall(cell.text))
        first = cells[0].text
        named = first.upper() in HIT_POLICIES
        header = _Header(first.upper() if named else "U", named, [], [], [])
        for position, cell in enumerate(cells):
            if position or not named:
                self._column(position, cell, header)
        if not header.outputs and self._errors() == before:
            self._problem(cells[-1], "table-header", "a table needs a 'then' column", "then Review")
        return header if self._errors() == before else None

    def _column(self, position: int, cell: Cell, header: _Header) -> None:
        word, _, rest = cell.text.partition(" ")
        rest = rest.strip()
        if word.lower() == "note":
            return
        if word.lower() == "when" and rest:
            subject = self._expression(cell, rest)
            if subject is not None:
                header.inputs.append(Input(position, subject, self._cells_of(subject)))
        elif word.lower() == "then" and rest:
            self._output(position, cell, rest, header)
        else:
            policies = " ".join(HIT_POLICIES)
            hint = f"columns: when <field>, then <outcome or field>, note; the first may be one of {policies}"
            self._problem(cell, "table-header", f"'{cell.text[:40]}' is not a column of a table", hint)

    def _output(self, position: int, cell: Cell, rest: str, header: _Header) -> None:
        written, *default = _DEFAULT.split(rest, maxsplit=1)
        word = written.lower()
        if word in _DECISIONS or word == "log":
            effect: Outcome | Path | None = _DECISIONS.get(word)
            output = Output(position, effect, CellColumn("text", self._facts, is_reason=True))
        else:
            target = self._expression(cell, written)
            if not isinstance(target, Path) or not target.steps:
                if target is not None:
                    hint = "then Accept, Review, Reject, Log or a field such as Product.band"
                    self._problem(cell, "table-header", f"'{rest[:40]}' is neither an outcome nor a field", hint)
                return
            output = Output(position, target, self._cells_of(target))
        header.outputs.append(output)
        given = self._action(Cell(default[0], cell.start, cell.end), output) if default else None
        if given is not None:
            header.defaults.append(given)

    def _default(self, header: _Header, cells: list[Cell]) -> Rule | None:
        """The rule that gives the defaults."""
        span = self._source.span(cells[0].start, cells[-1].end)
        actions = tuple(header.defaults)
        return Rule(f"{self._stem}#default", Literal(True), actions, span=span) if actions else None

    def _cells_of(self, subject: Expression) -> CellColumn:
        """How the cells are read that stand for values of an expression."""
        known = (
            self._schema.field_at(subject.fact, subject.steps) if self._schema and isinstance(subject, Path) else None
        )
        texts = frozenset(value for value in (known and known.values) or () if isinstance(value, str))
        return CellColumn(kind_of(subject, self._schema), self._facts, texts)

    def _expression(self, cell: Cell, text: str) -> Expression | None:
        """Read an expression that stands in a cell; its problems get the place of the cell."""
        part = self._part(cell, text)
        node = read_expression(part, self._schema.list_facts if self._schema else None)
        for diagnostic in part.diagnostics:
            if diagnostic.span is not None:
                self._source.report_at(diagnostic.span, diagnostic.code, diagnostic.message, diagnostic.hint)
        return node

    def _part(self, cell: Cell, text: str) -> Source:
        inside = max(0, self._source.text.find(text, cell.start, cell.end) - cell.start)
        place = self._source.span(cell.start + inside, max(cell.end, cell.start + 1))
        return Source(self._source.name, text, place, self._source.line(place.line))

    # Rows

    def _row(self, number: int, cells: list[Cell], header: _Header, width: int) -> Row:
        if len(cells) > width:
            message = f"this row has {len(cells)} cells, the header has {width}"
            self._problem(cells[width], "table-row", message, "quote a cell that has a comma in it")
        end = cells[-1].end
        cells = cells + [Cell("", end, end)] * (width - len(cells))
        name = (cells[0].text if header.named else "") or str(number)
        tests: list[CellTests | None] = []
        conditions: list[Expression] = []
        for column in header.inputs:
            cell = cells[column.position]
            read = self._tests(cell, column)
            tests.append(read)
            if read is not None:
                span = self._source.span(cell.start, cell.end)
                node = to_node(read, column.subject, column.cells.kind, span)
                conditions += node.operands if isinstance(node, And) else (node,)
        outputs = [self._action(cells[column.position], column) for column in header.outputs]
        condition = conditions[0] if len(conditions) == 1 else And(tuple(conditions)) if conditions else Literal(True)
        first = next((cell for cell in cells if cell.text), cells[0])
        span = self._source.span(first.start, max(first.end, first.start + 1))
        actions = tuple(action for action in outputs if action is not None)
        rule = Rule(f"{self._stem}#{name}", condition, actions, span=span)
        return Row(name, rule, tuple(tests), tuple(outputs))

    def _tests(self, cell: Cell, column: Input) -> CellTests | None:
        try:
            _refuse_date(cell, column.cells)
            return self._once(cell, column.cells, column.read, read_tests)
        except CellRefused as refused:
            self._problem(cell, "table-cell", refused.message, refused.hint)
            return None

    def _operand(self, cell: Cell, text: str) -> Expression:
        self._operands += 1
        part = self._part(cell, text)
        node = read_expression(part, self._schema.list_facts if self._schema else None)
        if node is None:
            first = part.diagnostics[0]
            raise CellRefused(first.message, first.hint)
        return node

    def _once(
        self,
        cell: Cell,
        column: CellColumn,
        known: dict[str, _Read],
        read: Callable[[str, CellColumn, Callable[[str], Expression]], _Read],
    ) -> _Read:
        """What a cell says; remembered by its text, unless it reads a field, which has a place."""
        if cell.text in known:
            return known[cell.text]
        operands = self._operands
        found = read(cell.text, column, lambda text: self._operand(cell, text))
        if self._operands == operands:
            known[cell.text] = found
        return found

    def _action(self, cell: Cell, column: Output) -> Action | None:
        if cell.text in ("", "-"):
            return None
        span = self._source.span(cell.start, cell.end)
        try:
            _refuse_date(cell, column.cells)
            value = self._once(cell, column.cells, column.read, read_value)
        except CellRefused as refused:
            self._problem(cell, "table-cell", refused.message, refused.hint)
            return None
        if isinstance(value, Literal):
            value = Literal(value.value, span=span)
        elif isinstance(value, ListLiteral):
            value = ListLiteral(tuple(replace(item, span=span) for item in value.items), span=span)
        if isinstance(column.effect, Path):
            return Assign(column.effect, "=", value, span=span)
        return Log(value, span=span) if column.effect is None else Decide(column.effect, value, span=span)


def _refuse_date(cell: Cell, column: CellColumn) -> None:
    """Refuse a date in a column of texts: a spreadsheet makes dates of what is typed as 1-2 or MAR1."""
    if cell.is_date and column.kind in ("text", "list"):
        hint = "format the cell as text and write it again"
        raise CellRefused(f"this cell holds a date, {cell.text[:40]}, in a column of texts", hint)
