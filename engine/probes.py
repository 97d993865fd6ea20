"""Functions that look up one bit vector per field and and them.  index -> [probes]

A probe is straight-line Python, generated: its text holds nothing but slot numbers and names that are made here, and
all that comes from rules is bound to it as a value. Probes of one shape share their code."""

import functools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.allowed import ANYTHING, Allowed, Cuts
from engine.layout import Slots
from engine.values import Value

#: Gives the bits of the conjunctions that the slots leave alive.
Probe = Callable[[Slots], int]

#: How a field is looked up, with the names of what it needs. A field of any kind asks what kind its value has first.
_FORMS = {
    "number": "vectors{0}[bisect(cuts{0}, value)] if value is not None else null{0}",
    "text": "vectors{0}.get(value, other{0})",
    "any number": "vectors{0}[bisect(cuts{0}, value)] if value.__class__ is float else lookup{0}(value)",
    "any text": "vectors{0}.get(value, other{0}) if value.__class__ is str else lookup{0}(value)",
    "any": "lookup{0}(value)",
}
_NEEDS = {
    "number": ("vectors", "cuts", "null"),
    "text": ("vectors", "other"),
    "any number": ("vectors", "cuts", "lookup"),
    "any text": ("vectors", "other", "lookup"),
    "any": ("lookup",),
}


class Table:
    """The vectors of one field: which conjunctions each of its values leaves alive."""

    def __init__(self, sets: Sequence[Allowed | None]) -> None:
        """Build it.

        Args:
            sets: the values that each conjunction allows, by its bit; None: any.
        """
        self.null = self.true = self.false = self.rest = 0
        self._numbers, self._texts, self._dates = _Vectors(), _Vectors(), _Vectors()
        for i, values in enumerate(sets):
            bit = 1 << i
            if values is None:
                values = ANYTHING
            self.null |= bit * values.null
            self.true |= bit * values.true
            self.false |= bit * values.false
            self.rest |= bit * values.rest
            self._numbers.add(bit, values.numbers)
            self._texts.add(bit, values.texts)
            self._dates.add(bit, values.dates)
        self._listed = self._texts.listed()
        self.number_cuts, self.number_vectors = self._numbers.finished()
        self.date_cuts, self.date_vectors = self._dates.finished()
        self.text_cuts, self.text_vectors = self._texts.finished()

    @property
    def texts(self) -> dict[Any, int] | None:
        """Text to vector, for the texts that differ from all others; None when there are too many to list."""
        return self._listed

    @property
    def other_text(self) -> int:
        """The vector of a text that is not listed."""
        return self.text_vectors[0]

    @property
    def mostly(self) -> str:
        """The kind that most constants have."""
        if len(self.number_cuts) >= len(self.text_cuts):
            return "number" if self.number_cuts else "any"
        return "text" if self._listed is not None else "any"

    def lookup(self, value: Value) -> int:
        """The vector of a value of any kind."""
        kind = value.__class__
        if value is None:
            return self.null
        if kind is float:
            return self.number_vectors[bisect_right(self.number_cuts, value)]
        if kind is str:
            return self.text_vectors[bisect_right(self.text_cuts, value)]
        if kind is bool:
            return self.true if value else self.false
        if kind is datetime:
            return self.date_vectors[bisect_right(self.date_cuts, value)]
        return self.rest


class _Vectors:
    """The vectors of the intervals of one kind while they are being collected."""

    def __init__(self) -> None:
        self._first = 0
        self._changes: dict[Any, int] = {}
        self._singles = True

    def add(self, bit: int, cuts: Cuts) -> None:
        if cuts.inside:
            self._first |= bit
        for point in cuts.points:
            self._changes[point] = self._changes.get(point, 0) ^ bit
        if cuts.points and self._singles:
            self._singles = cuts.texts is not None if cuts.points[0].__class__ is str else False

    def finished(self) -> tuple[list[Any], list[int]]:
        points = sorted(self._changes)
        vectors = [self._first]
        for point in points:
            vectors.append(vectors[-1] ^ self._changes[point])
        return points, vectors

    def listed(self) -> dict[Any, int] | None:
        if not self._singles:
            return None
        points, vectors = self.finished()
        found = {}
        for point, vector in zip(points, vectors[1:], strict=True):
            # What ends with the least character only ends the text before it, unless it is a constant of its own.
            if not point.endswith("\0"):
                found[point] = vector
            elif vector != self._first:
                return None
        return found


class Probes:
    """Makes the probes of one program."""

    def __init__(self, kinds: Mapping[int, str]) -> None:
        """Prepare.

        Args:
            kinds: slot to the kind of its values, where the schema says so: `number`, `text`…
        """
        self._kinds = kinds

    def is_number(self, slot: int) -> bool:
        """Whether a slot can hold nothing but numbers and null."""
        return self._kinds.get(slot) == "number"

    def make(self, sets: Sequence[Mapping[int, Allowed]], done: frozenset[int]) -> Probe | None:
        """A probe for some conjunctions.

        Args:
            sets: for each conjunction, slot to the values it allows.
            done: slots whose tests are known to hold already.

        Returns:
            The probe; None when there is no field to look up.
        """
        counts: dict[int, int] = {}
        for allowed in sets:
            for slot in allowed:
                counts[slot] = counts.get(slot, 0) + 1
        # What most conjunctions test leaves fewest alive.
        order = sorted(counts.keys() - done, key=lambda slot: (-counts[slot], slot))
        if not order:
            return None
        tables = [Table([allowed.get(slot) for allowed in sets]) for slot in order]
        forms = tuple(self._form(slot, table) for slot, table in zip(order, tables, strict=True))
        values = [_values(form, table) for form, table in zip(forms, tables, strict=True)]
        return _factory(tuple(order), forms)(*[value for some in values for value in some])

    def _form(self, slot: int, table: Table) -> str:
        kind = self._kinds.get(slot)
        if kind == "number" or (kind == "text" and table.texts is not None):
            return kind
        return f"any {table.mostly}" if kind is None and table.mostly != "any" else "any"


def _values(form: str, table: Table) -> Iterable[Any]:
    """What a form needs, in the order of `_NEEDS`."""
    texts = table.texts or {}
    match form:
        case "number":
            return table.number_vectors, table.number_cuts, table.null
        case "text":
            return {**texts, None: table.null}, table.other_text
        case "any number":
            return table.number_vectors, table.number_cuts, table.lookup
        case "any text":
            return texts, table.other_text, table.lookup
        case _:
            return (table.lookup,)


@functools.lru_cache(maxsize=4_096)
def _factory(order: tuple[int, ...], forms: tuple[str, ...]) -> Callable[..., Probe]:
    """The code of a shape: a function that takes the tables and gives the probe."""
    names = [f"{need}{i}" for i, form in enumerate(forms) for need in _NEEDS[form]]
    lines = [f"def make({', '.join(names)}):", "    def probe(slots):"]
    for i, (slot, form) in enumerate(zip(order, forms, strict=True)):
        lines.append(f"        value = slots[{slot:d}]")
        lines.append(f"        alive {'=' if i == 0 else '&='} {_FORMS[form].format(i)}")
        if i + 1 < len(order):
            lines.append("        if not alive: return 0")
    lines += ["        return alive", "    return probe"]
    scope: dict[str, Any] = {"bisect": bisect_right}
    exec("\n".join(lines), scope)  # noqa: S102 - the text is made of the constants above and of slot numbers alone
    return scope["make"]  # type: ignore[no-any-return]
