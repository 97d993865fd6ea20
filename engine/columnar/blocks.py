"""The conjunctions of a program, in groups: a row has to do with those of one group only.

A field whose equality tests separate many conjunctions splits them into classes, as in the index. Classes are packed
into groups that fill the words of a bit vector, and the conjunctions of each group count their bits from zero: so
however many groups there are, a row has a few words, and one NumPy call takes all rows, each in its own group.

A conjunction has a number in its block: its group times the bits of a vector, plus its bit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine.columnar.encodings import Codes, Encoding
from engine.matching import BLOCK, Entry, Residual, splits

#: Bits of a word.
WORD = 64


class Block:
    """Some groups of conjunctions."""

    def __init__(self, groups: Sequence[Sequence[Entry]], slot: int | None, group_of: Mapping[Any, int]) -> None:
        """Build it.

        Args:
            groups: the conjunctions of each, in agenda order.
            slot: the field whose value decides which group a row belongs to; None: there is one group, for all rows.
            group_of: value of that field to its group.
        """
        self.slot = slot
        self._group_of = group_of
        #: How many there are. Rows of no group get the last one, which has no conjunctions.
        self.groups = len(groups) + (slot is not None)
        #: Words of a bit vector, the same for all groups.
        self.words = max(1, -(-max(map(len, groups)) // WORD))
        stride = self.words * WORD
        #: Number to conjunction.
        self.entries = {i * stride + bit: entry for i, group in enumerate(groups) for bit, entry in enumerate(group)}
        numbers = np.array([*self.entries], np.intp)
        #: int64[numbers]: the position of the rule on the agenda.
        self.positions = np.zeros(self.groups * stride, np.int64)
        self.positions[numbers] = [entry.position for entry in self.entries.values()]
        #: The fields that tables are looked up by.
        self.slots = sorted({slot for entry in self.entries.values() for slot in entry.conjunction.allowed})
        #: Pair of slots to the comparison of their ratio that each conjunction has, by number.
        self.ratios: dict[tuple[int, int], dict[int, Residual]] = {}
        #: bool[numbers]: whether it has such a comparison, and whether it has a residual test that no table answers.
        self.has_ratio = np.zeros(self.groups * stride, np.bool_)
        self.is_undecided = np.zeros(self.groups * stride, np.bool_)
        for number, entry in self.entries.items():
            for residual in entry.residuals:
                ratio = residual.ratio
                tests = {} if ratio is None else self.ratios.setdefault((ratio.left, ratio.right), {})
                if ratio is not None and tests.setdefault(number, residual) is residual:
                    self.has_ratio[number] = True
                else:
                    self.is_undecided[number] = True
        self.has_undecided = bool(self.is_undecided.any())

    def group_by_code(self, encoding: Encoding) -> Codes:
        """intp[codes]: the group of each code of the field that splits."""
        groups = np.full(encoding.null + 1, self.groups - 1, np.intp)
        for value, group in self._group_of.items():
            code = encoding.code_of(value)
            if code is not None:
                groups[code] = group
        return groups


def blocks_of(entries: Sequence[Entry], kinds: Mapping[int, str]) -> list[Block]:
    """Arrange all conjunctions of a program.

    Args:
        entries: the conjunctions, in agenda order.
        kinds: slot to the kind of its values, where the schema says so.
    """
    blocks, left = [], list(entries)
    for slot, classes, others in splits(left, kinds):
        for groups, group_of in _packed(classes):
            blocks.append(Block(groups, slot, group_of))
        left = others
    for start in range(0, len(left), BLOCK):
        blocks.append(Block([left[start : start + BLOCK]], None, {}))
    return blocks


def _packed(classes: Mapping[Any, Sequence[Entry]]) -> Iterator[tuple[list[list[Entry]], dict[Any, int]]]:
    """Pack classes into groups, those of a similar size together: the largest decides how many words all have."""
    sizes: dict[tuple[int, int], list[tuple[Any, Sequence[Entry]]]] = {}
    # Texts and numbers have no order among each other.
    for value in sorted(classes, key=lambda value: (value.__class__.__name__, value)):
        for start in range(0, len(classes[value]), BLOCK):
            some = classes[value][start : start + BLOCK]
            words = 1 << ((len(some) - 1) // WORD).bit_length()
            sizes.setdefault((words, start), []).append((value, some))
    for (words, _), members in sizes.items():
        groups: list[dict[int, Entry]] = [{}]
        group_of = {}
        for value, some in members:
            # A conjunction with several values stands once in a group.
            both = groups[-1] | {id(entry): entry for entry in some}
            if len(both) > words * WORD:
                groups.append({})
                both = {id(entry): entry for entry in some}
            groups[-1] = both
            group_of[value] = len(groups) - 1
        yield [sorted(group.values(), key=lambda entry: entry.position) for group in groups], group_of
