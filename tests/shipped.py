"""The domains that ship, compiled once for all the tests of a process, and not before one asks: it takes a second."""

from functools import cache

from rulesets.loader import LoadedRuleset, load_all


@cache
def shipped() -> dict[str, LoadedRuleset]:
    """The rulesets by domain; a program never changes, so that tests may share it."""
    return load_all()
