"""The layout of slots: it grows until it is frozen."""

import pytest

from engine.facts import SlotLayout
from engine.language import Path


def test_a_frozen_layout_gives_the_slots_it_has_and_no_other() -> None:
    layout = SlotLayout(None)
    slot = layout.slot("Order", ("total",))
    layout.freeze()
    assert layout.slot("Order", ("total",)) == slot
    assert layout.note(Path("Order", ("total",))) == {slot}
    for ask in (lambda: layout.slot("Order", ("tax",)), lambda: layout.element("Line"), lambda: layout.event("a")):
        with pytest.raises(RuntimeError, match="frozen"):
            ask()
