"""The first line of an engine module may say its place: `left -> [itself] -> right`. Then that is where it stands.

A single word is a module or a room: what stands on the left is imported, what stands on the right imports. Anything
else (`domain.toml`, `the whole engine`) is a thing that goes in or comes out. Outside the engine an arrow shows how
data flows between processes, which no import tells."""

import ast
import re

from tests.shape.product import MODULES, imported, parsed

_ARROW = re.compile(r"(?P<left>.*)\[(?P<name>\w+)\](?P<right>.*)")
ENGINE = [name for name in MODULES if name.split(".")[0] == "engine"]


def place(name: str) -> re.Match[str] | None:
    """What the first line of a module says of its place; None: nothing."""
    first = (ast.get_docstring(parsed(MODULES[name])) or "").splitlines()[0]
    # Two spaces stand between the sentence and the arrow.
    return _ARROW.fullmatch(first.rpartition("  ")[2]) if "->" in first else None


def words(side: str) -> list[str]:
    """The single words of one side."""
    parts = re.split(r"->|,|;", re.sub(r"\(.*?\)", "", side))
    return [part.strip() for part in parts if re.fullmatch(r"\w+", part.strip())]


def meant(word: str, name: str) -> str:
    """The module or room that a word means in the first line of a module: one of the same room comes first."""
    room = name.rpartition(".")[0]
    elsewhere = [other for other in ENGINE if other.endswith(f".{word}")]
    return next(other for other in (f"{room}.{word}", f"engine.{word}", *elsewhere) if other in MODULES)


def uses(user: str, module: str) -> bool:
    """Whether a module, or one of the modules of a room, imports another one or the face of its room."""
    faces = {module} | ({module.rpartition(".")[0]} if module.rpartition(".")[0] != "engine" else set())
    return any(
        faces & imported(MODULES[name])
        for name in ENGINE
        if name == user or (name.startswith(f"{user}.") and not module.startswith(f"{user}."))
    )


def test_the_arrow_of_every_module_is_true() -> None:
    arrows = {name: arrow for name in ENGINE if (arrow := place(name)) is not None}
    assert len(arrows) > 50
    for name, arrow in arrows.items():
        assert arrow["name"] == name.rpartition(".")[2]
        for word in words(arrow["left"]):
            assert uses(name, meant(word, name)), f"{name} imports no {word}"
        for word in words(arrow["right"]):
            assert uses(meant(word, name), name), f"{word} does not import {name}"
