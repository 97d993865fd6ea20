"""Which columns a frame may have: the fields of one fact, of each element of a list, or of several facts at once.

slots, schema -> [frame_shape] -> frame_reader, plan

Takes a layout and what rules use of it, gives the columns under the names that frames have for them, and says whether
arrays can hold all that rules read. Looks at no frame."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from engine.facts import ElementLayout, FieldUse, SlotLayout
from engine.schema import FieldSchema, Kind


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column that a frame may have."""

    name: str
    #: None: no rule asks for it.
    slot: int | None
    #: None: it may be of any kind.
    field: FieldSchema | None
    #: Whether some rule uses it.
    is_used: bool


@dataclass(frozen=True, slots=True)
class FrameShape:
    """All columns of some frames."""

    columns: Sequence[FrameColumn]
    #: Whether they are all that has to be known of a row.
    fits: bool


def shape_of_fact(layout: SlotLayout, use: FieldUse, fact: str) -> FrameShape:
    """A frame of one fact: its fields.

    Args:
        layout: the slots of the program.
        use: the fields that rules use.
        fact: its name.
    """
    columns, fits = _fields(layout, use, fact, "")
    return FrameShape(columns, fits and _is_enough(layout, use, [fact]))


def shape_of_elements(layout: ElementLayout, use: FieldUse) -> FrameShape:
    """A frame of the elements of one list: their fields.

    Args:
        layout: of the elements.
        use: the fields that rules use.
    """
    return FrameShape(*_fields(layout, use, layout.fact, ""))


def shape_of_facts(
    layout: SlotLayout, use: FieldUse, facts: Collection[str], findings: Mapping[str, tuple[int, Kind]]
) -> FrameShape:
    """A frame of several facts: their fields, each behind the name of its fact and a point, and findings about lists.

    Args:
        layout: the slots of the program, which has a schema.
        use: the fields that rules use.
        facts: those that are objects.
        findings: name of each column to the slot of the finding that it holds, and its kind.
    """
    columns = [FrameColumn(name, slot, FieldSchema(name, kind), True) for name, (slot, kind) in findings.items()]
    fits = _is_enough(layout, use, facts)
    for fact in facts:
        own, fit = _fields(layout, use, fact, f"{fact}.")
        columns += own
        fits = fits and fit
    return FrameShape(columns, fits)


def _fields(layout: SlotLayout, use: FieldUse, fact: str, prefix: str) -> tuple[list[FrameColumn], bool]:
    """The columns of one fact, and whether they are all that rules read of it."""
    slots, fits = {}, True
    for (owner, steps), slot in layout.places.items():
        if owner == fact and len(steps) == 1 and isinstance(steps[0], str):
            slots[steps[0]] = slot
        elif owner == fact:
            # The whole fact, or a part of a field: nothing that an array could hold.
            fits = False
    fields: dict[str, FieldSchema | None] = dict.fromkeys(sorted(slots))
    if layout.schema is not None and fact in layout.schema.facts:
        fields = dict(layout.schema.facts[fact].fields)
    columns = [
        FrameColumn(prefix + name, slots.get(name), field, use.is_used(fact, name)) for name, field in fields.items()
    ]
    return columns, fits


def _is_enough(layout: SlotLayout, use: FieldUse, facts: Collection[str]) -> bool:
    """Whether a job that holds some objects alone can be taken at all."""
    schema = layout.schema
    if schema is None:
        return not any((fact, True) in use.written for fact in facts)
    if schema.subject not in facts:
        return False
    others = [other for other in schema.facts.values() if other.name not in facts and not other.is_list]
    return not any(field.required for other in others for field in other.fields.values())
