"""The elements of one list fact as if each were a fact of its own.  slots -> [element_layout] -> matching

What rules read of an element has a slot already, its column: whoever looks at an element puts its fields there. Takes a
frozen layout, gives one in which the paths of the list fact lead to those columns; all others lead where they did."""

from engine.facts.slots import SlotLayout


class ElementLayout(SlotLayout):
    """The slots of a program, for conditions about an element of one list."""

    def __init__(self, layout: SlotLayout, fact: str) -> None:
        """Make it.

        Args:
            layout: of the program; frozen.
            fact: the list fact.
        """
        super().__init__(layout.schema)
        self.fact = fact
        self.findings = layout.findings
        self.places = {place: slot for place, slot in layout.places.items() if place[0] != fact}
        self.places |= {place: slot for place, slot in layout.columns.items() if place[0] == fact}
        self._size = layout.size
        self.freeze()

    @property
    def fields(self) -> dict[int, tuple[str | int, ...]]:
        """Slot of each column to the steps that lead to it from an element."""
        return {slot: steps for (owner, steps), slot in self.places.items() if owner == self.fact}

    @property
    def kinds(self) -> dict[int, str]:
        """Slot to the kind of its values, where the schema says so."""
        facts = {} if self.schema is None else self.schema.facts
        kinds: dict[int, str] = {}
        for (owner, steps), slot in self.places.items():
            fact = facts.get(owner)
            field = fact.fields.get(str(steps[0])) if fact is not None and len(steps) == 1 else None
            if field is not None and fact is not None and fact.is_list == (owner == self.fact):
                kinds[slot] = field.kind
        return kinds
