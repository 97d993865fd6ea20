"""Which fields of facts some rule reads or writes.

Takes the paths that a layout has slots for, gives answers by fact and field: what no rule uses needs only a glance when
facts are read, and has no place in slots."""

from engine.facts.paths import Steps
from engine.facts.slots import SlotLayout
from engine.schema import FieldSchema


class FieldUse:
    """The fields that the rules of one program use."""

    def __init__(self, layout: SlotLayout, written: frozenset[tuple[str, bool]]) -> None:
        """Collect them.

        Args:
            layout: the slots of the program, complete.
            written: the facts that rules write to, and whether as a list.
        """
        #: The facts that rules write to, and whether as a list.
        self.written = written
        #: Fact to its fields; None: all of them, because some rule uses the fact as a whole.
        self._fields: dict[str, set[str] | None] = {}
        for fact, steps in layout.places:
            if fact not in layout.element_fields or steps:
                self._note(fact, steps[1:] if steps and isinstance(steps[0], int) else steps)
        for fact, fields in layout.element_fields.items():
            for field in (None,) if fields is None else fields:
                self._note(fact, () if field is None else (field,))

    def _note(self, fact: str, steps: Steps) -> None:
        fields = self._fields.setdefault(fact, set())
        if not steps:
            self._fields[fact] = None
        elif fields is not None:
            fields.add(str(steps[0]))

    def is_used(self, fact: str, field: str) -> bool:
        """Whether some rule reads or writes a field.

        Args:
            fact: its name.
            field: the name of the field; of an element, when the fact is a list.
        """
        fields = self._fields.get(fact, set())
        return fields is None or field in fields

    def is_whole(self, fact: str) -> bool:
        """Whether some rule uses a fact, or an element of it, as a whole."""
        return self._fields.get(fact, set()) is None

    def passes_over(self, fact: str, field: FieldSchema) -> bool:
        """Whether facts without a field have the same answer as those where it is plainly of its kind.

        Args:
            fact: whose field it is.
            field: what the schema says of it.
        """
        is_bounded = (field.minimum, field.maximum, field.values) != (None, None, None)
        # What tells a time or a duration is read, whoever asks.
        is_glanced_at = field.kind in ("number", "text", "boolean", "date")
        needs_no_value = is_glanced_at and not (field.required or field.derived or is_bounded)
        return needs_no_value and not self.is_used(fact, field.name)
