"""Did you mean: the nearest of some names to one that is none of them.  [suggestions] -> language, schema, checks

Takes a name and the names there are, gives a hint or empty text. Letters count alike in either case, for that is the
commonest slip. The work is bounded, whatever the names are."""

import difflib
from collections.abc import Iterable
from itertools import islice

#: Names that one is compared with, and their characters: comparing costs the square of them.
MAX_COMPARED, MAX_COMPARED_CHARACTERS = 500, 60

#: How much of two names has to be alike, from 0 to 1.
_ALIKE = 0.6


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A hint with the nearest name; empty when none is near.

    Args:
        name: is none of them.
        names: those there are; of two that differ in case only, the last counts.

    >>> did_you_mean("pric", ["price", "cost"])
    "did you mean 'price'?"
    """
    if len(name) > MAX_COMPARED_CHARACTERS:
        return ""
    # Names of too different lengths can't be alike enough, and need not be compared.
    comparable = (each for each in names if 2 * min(len(each), len(name)) >= _ALIKE * (len(each) + len(name)))
    by_case = {each.lower(): each for each in islice(comparable, MAX_COMPARED)}
    near = difflib.get_close_matches(name.lower(), by_case, 1, _ALIKE)
    return f"did you mean '{by_case[near[0]]}'?" if near else ""
