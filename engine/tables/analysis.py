"""Rows of a table that get in each other's way.  column_domain, boxes -> [analysis] -> reader

Every row is a box: for each `when` column, the set of values that its cell holds for. Two rows overlap when their boxes
do; a row is shadowed when the boxes above it cover its own; a gap is what no box covers. Each claim comes with facts
that prove it. A cell that compares with another field has no known set: nothing is claimed from it. The work is
bounded: a table that would take more than the limits here is reported as not analysed."""

from collections.abc import Sequence
from datetime import UTC

from engine.checks import ValueKind
from engine.language import Assign, Decide, Expression, Log, Path, Source, print_action, print_expression, print_value
from engine.schema import FieldSchema, Schema
from engine.tables.boxes import Box, common, covers, find_pivot, meeting_pairs, uncovered
from engine.tables.column_domain import ColumnDomain, reads_only_constants, values_of_cell, values_of_column
from engine.tables.hit_policies import SINGLE, Row
from engine.tables.unary_tests import CellTests
from engine.values import ValueSet

#: Pairs of rows that are compared, at most; a table of ten thousand prices with a category has far fewer.
MAX_PAIRS = 2_000_000
#: Bits of all sets of a table together: 32 MB.
MAX_BITS = 256_000_000
#: Boxes that are cut to see whether rows together cover something.
MAX_CUTS = 20_000
#: Overlaps that are worth reading about in one table.
MAX_REPORTED = 20


def report_overlaps(
    policy: str,
    rows: Sequence[Row],
    columns: Sequence[tuple[Expression, ValueKind]],
    source: Source,
    schema: Schema | None,
    *,
    has_default: bool = False,
) -> None:
    """Report what a table's policy forbids, and what its author hardly meant.

    Args:
        policy: of the table.
        rows: in the order in which they are tried.
        columns: subject and kind of each `when` column.
        source: the table; takes the problems.
        schema: says which values a field can have.
        has_default: whether the table says what it gives when no row holds; default: it does not.
    """
    _Analysis(policy, rows, columns, source, schema).report(has_default)


class _Analysis:
    """One look at one table."""

    def __init__(
        self,
        policy: str,
        rows: Sequence[Row],
        columns: Sequence[tuple[Expression, ValueKind]],
        source: Source,
        schema: Schema | None,
    ) -> None:
        self._policy = policy
        self._rows = rows
        self._columns = columns
        self._source = source
        self._domains: list[ColumnDomain] = []
        zone = UTC if schema is None else schema.zone
        #: What each different cell of a column holds for.
        sets: list[dict[CellTests | None, ValueSet]] = []
        for position, (subject, kind) in enumerate(columns):
            universe = values_of_column(kind, _field(subject, schema))
            cells = {row.tests[position] for row in rows}
            # A cell that reads other fields may hold for everything.
            values = {
                cell: values_of_cell(cell, zone) if cell and reads_only_constants(cell) else universe for cell in cells
            }
            self._domains.append(ColumnDomain(universe, values.values()))
            sets.append(values)
        size = sum(domain.width * len(values) for domain, values in zip(self._domains, sets, strict=True))
        self._fits = size <= MAX_BITS
        #: What a row may hold for at most.
        self._boxes = self._all_boxes(sets) if self._fits else []
        #: Whether that is exactly what it holds for.
        self._exact = [all(reads_only_constants(cell) for cell in row.tests) for row in rows]
        # A list holds many values at once, and two columns may ask about the same thing in two ways.
        subjects = [print_expression(subject) for subject, _ in columns]
        self._sound = len(set(subjects)) == len(subjects) and all(kind not in ("list", "object") for _, kind in columns)

    def _all_boxes(self, sets: Sequence[dict[CellTests | None, ValueSet]]) -> list[Box]:
        """The box of every row; cells that read the same share their bits, for these numbers can be long."""
        bits = [
            {cell: domain.bits(values[cell]) for cell in values}
            for domain, values in zip(self._domains, sets, strict=True)
        ]
        return [tuple(column[cell] for column, cell in zip(bits, row.tests, strict=True)) for row in self._rows]

    def report(self, has_default: bool) -> None:
        if not self._sound:
            return
        if not self._fits:
            self._too_large()
            return
        for row, box in zip(self._rows, self._boxes, strict=True):
            if not all(box):
                self._warn(row, "table-never", f"row '{row.name}' can't hold for any facts that fit the schema")
        if self._policy not in SINGLE:
            return
        pivot = find_pivot(self._boxes, len(self._domains), MAX_PAIRS)
        if pivot is None:
            self._too_large()
            return
        if self._policy in ("U", "A"):
            self._overlaps(pivot)
        else:
            self._shadows(pivot)
        if not has_default and self._gaps_matter():
            self._gap()

    def _warn(self, row: Row, code: str, message: str, hint: str = "") -> None:
        if row.rule.span is not None:
            self._source.report_at(row.rule.span, code, message, hint, "warning")

    def _too_large(self) -> None:
        message = "the table is too large to look for overlaps, gaps and shadowed rows"
        self._warn(self._rows[0], "table-not-analysed", message, "cut it in several")

    def _overlaps(self, pivot: int) -> None:
        reported = 0
        pairs = (pair for pair in meeting_pairs(self._boxes, pivot) if self._exact[pair[0]] and self._exact[pair[1]])
        for upper, lower in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
            row, later = self._rows[upper], self._rows[lower]
            if self._policy == "A" and _effects(row) == _effects(later):
                continue
            if reported == MAX_REPORTED:
                self._warn(later, "table-overlap", "there are more overlaps in this table")
                return
            reported += 1
            proof = self._proof(common(self._boxes[upper], self._boxes[lower]), (row, later))
            message = f"rows '{row.name}' and '{later.name}' both hold for {proof}"
            if self._policy == "A":
                message += ", and give different things"
            span = later.rule.span
            if span is not None:
                hint = "narrow one of them, or give the table the hit policy F (the first row that holds)"
                self._source.report_at(span, "table-overlap", message, hint)

    def _shadows(self, pivot: int) -> None:
        above: dict[int, list[int]] = {}
        for upper, lower in meeting_pairs(self._boxes, pivot):
            if self._exact[upper]:
                above.setdefault(lower, []).append(upper)
        cuts = MAX_CUTS
        for lower in sorted(above):
            row, box = self._rows[lower], self._boxes[lower]
            for upper in sorted(above[lower]):
                if covers(self._boxes[upper], box):
                    name = self._rows[upper].name
                    message = f"row '{row.name}' never fires: row '{name}' above it holds whenever it does"
                    self._warn(row, "table-shadowed", message, "move it up, or narrow the row above")
                    break
            else:
                left, cuts = uncovered(box, [self._boxes[upper] for upper in sorted(above[lower])], cuts)
                if left is None and cuts > 0:
                    names = ", ".join(f"'{self._rows[upper].name}'" for upper in sorted(above[lower])[:5])
                    message = f"row '{row.name}' never fires: rows above it ({names}) together hold whenever it does"
                    self._warn(row, "table-shadowed", message, "move it up, or narrow the rows above")

    def _gaps_matter(self) -> bool:
        """Only a table that computes a field for every case has to have a row for every case."""
        return all(self._exact) and all(
            row.outputs and all(isinstance(output, Assign) for output in row.outputs) for row in self._rows
        )

    def _gap(self) -> None:
        universe = tuple(domain.universe for domain in self._domains)
        left, cuts = uncovered(universe, self._boxes, MAX_CUTS)
        if left is not None and cuts > 0:
            message = f"no row holds for {self._proof(left, ())}"
            self._warn(
                self._rows[-1],
                "table-gap",
                message,
                "add a last row with '-' in every 'when' column; its 'then' cells may be blank",
            )

    def _proof(self, box: Box, rows: tuple[Row, ...]) -> str:
        """Facts in this box, for the columns that any of the rows asks about."""
        parts = []
        for position, (subject, _) in enumerate(self._columns):
            if not rows or any(row.tests[position] is not None for row in rows):
                value = self._domains[position].sample(box[position])
                parts.append(f"{print_expression(subject)} = {print_value(value)}")
        return ", ".join(parts) or "all facts"


def _field(subject: Expression, schema: Schema | None) -> FieldSchema | None:
    return schema.field_at(subject.fact, subject.steps) if schema and isinstance(subject, Path) else None


def _effects(row: Row) -> list[str]:
    """What a row does, apart from the words of its reasons."""
    return [
        output.outcome if isinstance(output, Decide) else "" if isinstance(output, Log) else print_action(output)
        for output in row.rule.actions
    ]
