"""Every error of the farm crosses processes whole and says what, where and what to do."""

import pickle

import pytest

from rulefarm import errors
from rulefarm.errors import RulefarmError


def tree(kind: type[RulefarmError]) -> list[type[RulefarmError]]:
    found = [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]
    return [error for error in found if error.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", tree(RulefarmError))
def test_an_error_survives_pickling(kind: type[RulefarmError]) -> None:
    error = kind("some-code", "something happened", "do something")
    copy = pickle.loads(pickle.dumps(error))  # our own bytes
    assert type(copy) is kind
    assert copy.to_json() == {"code": "some-code", "message": "something happened", "hint": "do something"}
    assert str(copy) == "something happened (do something)"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {word for word in (errors.__doc__ or "").replace("├", " ").replace("└", " ").split() if word.isalnum()}
    assert {kind.__name__ for kind in tree(RulefarmError)} <= drawn
