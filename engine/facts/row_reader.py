"""Read many rows that came as columns, as the fast reader reads facts: each value is taken from a tuple.

field_checks, slots -> [row_reader] -> columnar

Generates a function for facts whose fields came in a certain order. A row that it is not sure of has no slots: the
caller makes facts of it, and has these read as any others are. What it gives for the other rows are the slots that the
reader of facts would give. Needs a schema; refuses what rows of fields can't tell, such as a fact as a whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.facts.codegen import FunctionWriter
from engine.facts.field_checks import FieldChecks
from engine.facts.field_use import FieldUse
from engine.facts.slots import AS_OF, ORDINARY, SlotLayout, Slots
from engine.schema import FactSchema, FieldSchema

#: Takes the moment of judging; by fact, in the order of the names that the function was made for: the fields of the
#: object of each row, or those of the elements of all rows; and for each list, in the same order, where the elements of
#: each row begin and end. Gives the slots of each row; None: facts have to be made of it.
ReadRows = Callable[..., list[Slots | None]]


class ElementLines(Protocol):
    """Writes what is done with the elements of a list, whose fields stand in variables, once `slots` are filled."""

    def begin(self) -> None:
        """The lines before the first element."""

    def element(self, held: Mapping[str, str], /) -> None:
        """The lines for each element; they may go on with the next one.

        Args:
            held: name of each field to what holds it.
        """

    def finish(self) -> None:
        """The lines after the last one."""


def compile_row_reader(
    layout: SlotLayout,
    use: FieldUse,
    columns: Mapping[str, Sequence[str]],
    lines: Mapping[str, Callable[[FunctionWriter], ElementLines]],
) -> ReadRows | None:
    """Make the function for one program, and rows of one form.

    Args:
        layout: the slots to fill, none of which is added later; it has a schema.
        use: the fields that rules use.
        columns: fact to the names of its fields, in their order in a tuple; each has some, and the subject is among
            them. Fields that need no look may be left out.
        lines: list fact to what writes its lines; of these no elements are kept, the others are kept for their slots.

    Returns:
        The function; None where each row has to be made facts of.
    """
    try:
        return _RowReaderWriter(layout, use, columns).write(lines)
    except _NotInRows:
        return None


class _NotInRows(Exception):
    """What rules read, or the schema demands, can't be told from such rows."""


class _RowReaderWriter:
    """Writes one function."""

    def __init__(self, layout: SlotLayout, use: FieldUse, columns: Mapping[str, Sequence[str]]) -> None:
        assert layout.schema is not None
        self._layout = layout
        self._use = use
        self._columns = columns
        self._facts = layout.schema.facts
        self._lists = [fact for fact in columns if self._facts[fact].is_list]
        parameters = ["as_of", *self._numbered("rows", len(columns)), *self._numbered("spans", len(self._lists))]
        self._writer = FunctionWriter("read", parameters)
        self._checks = FieldChecks(self._writer, use, layout.zone)
        self._held = {fact: [self._writer.variable() for _ in names] for fact, names in columns.items()}

    def write(self, lines: Mapping[str, Callable[[FunctionWriter], ElementLines]]) -> ReadRows:
        writer, content = self._writer, ["None"] * self._layout.size
        content[AS_OF], content[ORDINARY] = "as_of", "True"
        objects = {fact: f"rows{place}" for place, fact in enumerate(self._columns) if fact not in self._lists}
        spans = self._numbered("spans", len(self._lists))
        targets = [self._tuple(self._held[fact]) for fact in objects]
        targets += [f"(first{number}, end{number})" for number in range(len(spans))]
        writer.line("read_rows = []; add = read_rows.append")
        writer.line(f"for {self._tuple(targets)} in zip({', '.join([*objects.values(), *spans])}):")
        with writer.indent():
            writer.line("try:")
            with writer.indent():
                for fact in self._facts.values():
                    if fact.name in lines:
                        continue
                    if fact.is_list:
                        self._list(fact, content)
                    else:
                        self._object(fact, content)
                writer.line(f"slots = [{', '.join(content)}]")
                for name, make in lines.items():
                    each = make(writer)
                    each.begin()
                    self._each_element(name)
                    with writer.indent():
                        each.element(self._fields(self._facts[name]))
                    each.finish()
                writer.line("add(slots)")
            writer.line("except (Doubt, Refused): add(None)")
        writer.line("return read_rows")
        read: ReadRows = writer.compile()
        return read

    def _numbered(self, name: str, count: int) -> list[str]:
        return [f"{name}{place}" for place in range(count)]

    def _tuple(self, names: Sequence[str]) -> str:
        return f"({', '.join(names)},)"

    def _places(self, fact: FactSchema) -> list[tuple[tuple[str | int, ...], int]]:
        return [(steps, slot) for (name, steps), slot in self._layout.places.items() if name == fact.name]

    def _object(self, fact: FactSchema, content: list[str]) -> None:
        """The lines for the object of a row; a row without one has fields without values."""
        fields = self._fields(fact)
        for steps, slot in self._places(fact):
            if not steps:
                raise _NotInRows
            if steps[0] in fields and isinstance(steps[0], str):
                field = fields[steps[0]]
                content[slot] = field if len(steps) == 1 else f"get_path({field}, {self._writer.bind(steps[1:])})"

    def _list(self, fact: FactSchema, content: list[str]) -> None:
        """The lines that keep the elements of a row."""
        writer, items = self._writer, "()"
        if fact.name in self._lists:
            if self._use.is_whole(fact.name):
                raise _NotInRows
            items = writer.variable()
            writer.line(f"{items} = []")
            self._each_element(fact.name)
            with writer.indent():
                fields = self._fields(fact)
                kept = {name: value for name, value in fields.items() if self._use.is_used(fact.name, name)}
                pairs = ", ".join(f"{writer.bind(name)}: {value}" for name, value in kept.items())
                writer.line(f"{items}.append({{{pairs}}})")
            writer.line(f"{items} = tuple({items})")
        for steps, slot in self._places(fact):
            content[slot] = f"get_path({items}, {writer.bind(steps)})" if steps else items

    def _each_element(self, fact: str) -> None:
        place, number = list(self._columns).index(fact), self._lists.index(fact)
        self._writer.line(f"for {self._tuple(self._held[fact])} in rows{place}[first{number}:end{number}]:")

    def _fields(self, fact: FactSchema) -> dict[str, str]:
        """Check the fields of an object; gives the name or constant that holds each."""
        held = dict(zip(self._columns.get(fact.name, ()), self._held.get(fact.name, ()), strict=True))
        return {field.name: self._field(fact, field, held.get(field.name)) for field in fact.fields.values()}

    def _field(self, fact: FactSchema, field: FieldSchema, value: str | None) -> str:
        if value is None:
            if field.required:
                raise _NotInRows
            return "None"
        if field.derived:
            self._writer.line(f"if {value} is not None: raise Doubt")
            return "None"
        self._checks.field(value, fact, field)
        return value


def is_only_bounded(fact: str, field: FieldSchema, use: FieldUse) -> bool:
    """Whether a column of plain texts, numbers or booleans, as the field is of, may be left out within its bounds.

    Args:
        fact: whose field it is.
        field: what the schema says of it.
        use: the fields that rules use.
    """
    if field.required or field.derived or field.values is not None or use.is_used(fact, field.name):
        return False
    return field.kind in ("text", "number", "boolean")


def spans_of(lengths: Sequence[int | None]) -> tuple[list[tuple[int, int]], int, int]:
    """Where the elements of each row begin and end, when those of all rows stand one after the other.

    Args:
        lengths: of the list of each row; None: it has none. One without elements has one that is no element.

    Returns:
        Begin and end of each row; how many elements there are, and how many of them are none.

    >>> spans_of([2, None, 1])
    ([(0, 2), (2, 2), (3, 4)], 4, 1)
    """
    spans, first, gaps = [], 0, 0
    for length in lengths:
        if length:
            spans.append((first, first + length))
            first += length
        else:
            spans.append((first, first))
            first += 1
            gaps += 1
    return spans, first, gaps
