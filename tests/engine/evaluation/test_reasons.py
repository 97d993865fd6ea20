"""Constant reasons: the same for one rule, for the bits of a leaf, and for the rows of a frame."""

import numpy as np
import pytest

from engine.evaluation import Reason, ReasonTable

A = Reason("A", "review", "a")
B = Reason("B", "reject", "b")
B_TOO = Reason("B", "review", "b too")
TABLE = ReasonTable(["A", "B", "Assigns", "Silent"], [(A,), (B, B_TOO), None, ()])


@pytest.mark.parametrize(
    ("bits", "reasons"),
    [(0b0000, []), (0b0001, [A]), (0b0011, [A, B, B_TOO]), (0b1110, [B, B_TOO]), (1 << 2, [])],
)
def test_bits_give_their_reasons_in_order(bits: int, reasons: list[Reason]) -> None:
    assert TABLE.of_bits(bits) == reasons


def test_a_selection_counts_its_own_positions() -> None:
    selected = TABLE.select([1, 0])
    assert selected.names == ["B", "A"]
    assert selected.of_bits(0b11) == [B, B_TOO, A]


def test_hits_give_their_reasons_one_after_the_other() -> None:
    starts, reasons = TABLE.of_positions(np.array([1, 0, 3, 1], np.int64))
    assert starts.tolist() == [0, 2, 3, 3, 5]
    assert reasons == [B, B_TOO, A, B, B_TOO]


def test_hits_of_nothing_have_no_reasons() -> None:
    starts, reasons = ReasonTable((), ()).of_positions(np.zeros(0, np.int64))
    assert (starts.tolist(), reasons) == ([0], [])


def test_the_worst_outcome_of_each_rule() -> None:
    assert TABLE.worst_outcomes.tolist() == [1, 2, 0, 0]
