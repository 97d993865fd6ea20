"""Did you mean: the nearest known name to one that nobody knows.

Takes a name and the known ones, gives a hint or empty text; bounded, whatever the names are."""

import difflib
from collections.abc import Iterable
from itertools import islice

#: Names that one that is not known is compared with, and their characters: comparing costs the square of them.
MAX_COMPARED, MAX_COMPARED_CHARACTERS = 500, 60


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name; empty when none is near.

    >>> did_you_mean("pric", ["price", "cost"])
    "did you mean 'price'?"
    """
    if len(name) > MAX_COMPARED_CHARACTERS:
        return ""
    alike = (each for each in known if abs(len(each) - len(name)) <= 3)
    by_case = {each.lower(): each for each in islice(alike, MAX_COMPARED)}
    near = difflib.get_close_matches(name.lower(), by_case, 1)
    return f"did you mean '{by_case[near[0]]}'?" if near else ""
