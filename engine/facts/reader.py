"""Read the facts of jobs, for one program: facts as they were sent -> checked -> slots.

`FactReader.read` is the fast reader, which is generated for the program and hands over to the exact one when it is not
sure that all is well. Both give the same slots."""

from collections.abc import Callable

from engine.facts.exact_reader import ExactReader
from engine.facts.fast_reader import ReadFacts, compile_fast_reader
from engine.facts.field_use import FieldUse
from engine.facts.known_names import KnownNames
from engine.facts.slots import SlotLayout, Slots


class FactReader:
    """Reads the facts of one program."""

    def __init__(
        self,
        layout: SlotLayout,
        written: frozenset[tuple[str, bool]],
        find_out: Callable[[Slots], Slots] | None = None,
    ) -> None:
        """Prepare.

        Args:
            layout: the slots to fill; frozen.
            written: the facts that rules write to, and whether as a list.
            find_out: fills the slots of what is found out about lists, gives the same slots; default: there are none.
        """
        #: The fields that rules use.
        self.use = FieldUse(layout, written)
        #: Takes facts as the caller sent them and the moment they are judged at, in UTC; gives new slots, or raises
        #: `FactsRejected`, which names every field that is wrong.
        self.read: ReadFacts = compile_fast_reader(layout, self.use, ExactReader(layout, self.use).read)
        if layout.schema is not None and layout.schema.strict:
            self.read = _strictly(self.read, ExactReader(layout, self.use).read, KnownNames(layout.schema))
        #: Fills the slots of what is found out about lists; None: there are none.
        self.find_out = find_out
        if find_out is not None:
            self.read = _finding_out(self.read, find_out)


def _finding_out(read: ReadFacts, find_out: Callable[[Slots], Slots]) -> ReadFacts:
    return lambda facts, as_of: find_out(read(facts, as_of))


def _strictly(read: ReadFacts, read_exactly: ReadFacts, names: KnownNames) -> ReadFacts:
    """A reader that knows that the fast one looks at known names alone."""
    return lambda facts, as_of: (read_exactly if names.unknown(facts) else read)(facts, as_of)
