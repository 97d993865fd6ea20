"""Boxes: for each column of a table, a set of its values.  [boxes] -> analysis

A box is a tuple of integers, one for each column, whose bits are the set (`engine.tables.column_domain` numbers them).
Says which boxes meet, and what of one is left when others are taken away, within bounds that the caller sets. Knows no
row and no message."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

#: Bits of each column's set.
Box = tuple[int, ...]


def common(box: Box, other: Box) -> Box:
    """What two boxes share.

    Args:
        box: one of them.
        other: of as many columns.
    """
    return tuple(bits & others for bits, others in zip(box, other, strict=True))


def covers(outer: Box, inner: Box) -> bool:
    """Whether a box has all of another.

    Args:
        outer: may be the larger one.
        inner: of as many columns.
    """
    return not any(bits & ~others for bits, others in zip(inner, outer, strict=True))


def find_pivot(boxes: Sequence[Box], columns: int, most: int) -> int | None:
    """The column along which the fewest pairs of boxes have to be compared.

    Args:
        boxes: of all rows.
        columns: of each box; none: every pair has to be compared.
        most: pairs that may be.

    Returns:
        Its position, from 0; None when even along that column there are more pairs.
    """
    if not columns:
        return 0 if len(boxes) ** 2 <= most else None
    counts = []
    for position in range(columns):
        spans = sorted(_ends(box[position]) for box in boxes)
        starts = [low for low, _ in spans]
        counts.append(sum(bisect_right(starts, high) - at - 1 for at, (_, high) in enumerate(spans)))
    least = min(range(columns), key=counts.__getitem__)
    return least if counts[least] <= most else None


def meeting_pairs(boxes: Sequence[Box], pivot: int) -> Iterator[tuple[int, int]]:
    """The pairs of boxes that share something.

    Args:
        boxes: of all rows; boxes without columns all meet.
        pivot: the column to sort them by.

    Yields:
        Positions of two boxes, the lower one first.
    """
    if not any(boxes):
        yield from ((first, second) for second in range(len(boxes)) for first in range(second))
        return
    ends = [_ends(box[pivot]) for box in boxes]
    order = sorted((row for row in range(len(ends)) if all(boxes[row])), key=lambda row: ends[row])
    for place, row in enumerate(order):
        box, high = boxes[row], ends[row][1]
        # By place: a copy of what follows each row would cost the square of their number.
        for following in range(place + 1, len(order)):
            other = order[following]
            if ends[other][0] > high:
                break
            if all(bits & others for bits, others in zip(box, boxes[other], strict=True)):
                yield min(row, other), max(row, other)


def uncovered(box: Box, others: Sequence[Box], cuts: int) -> tuple[Box | None, int]:
    """What is left of a box when others are taken away from it.

    Args:
        box: to be covered.
        others: are taken away, one after the other.
        cuts: how often two boxes may be compared.

    Returns:
        A part of the box that none of the others reaches, or None; and the cuts that are left. None and 0: they did not
        suffice, and nothing is known.
    """
    stack = [(box, 0)]
    while stack:
        rest, start = stack.pop()
        for position in range(start, len(others)):
            other = others[position]
            cuts -= 1
            if cuts <= 0:
                return None, 0
            if all(bits & taken for bits, taken in zip(rest, other, strict=True)):
                inside = list(rest)
                for column, taken in enumerate(other):
                    outside = inside[column] & ~taken
                    if outside:
                        stack.append(((*inside[:column], outside, *inside[column + 1 :]), position + 1))
                    inside[column] &= taken
                break
        else:
            return rest, cuts
    return None, cuts


def _ends(bits: int) -> tuple[int, int]:
    """The lowest and the highest bit of a set; one beyond the other when it is empty."""
    return (bits & -bits).bit_length() - 1, bits.bit_length() - 1
