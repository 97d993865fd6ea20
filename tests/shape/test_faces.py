"""A room is used by its face: that hands on what it imports, and nobody outside imports past it.

That whoever uses the engine imports `engine` alone is a contract of import-linter, in setup.cfg."""

import ast

import pytest

from tests.shape.product import MODULES, handed_on, imported, parsed

ROOMS = sorted(
    name
    for name, path in MODULES.items()
    if path.stem == "__init__" and name.startswith(("engine.", "rulefarm.", "tasks.", "workers."))
)
#: Rooms whose modules are programs and parts of one command, not a service to others.
WITHOUT_FACE = {"workers.drill"}
#: Who may import past a face, and why.
PAST = {
    # openpyxl takes a quarter of a second to import: only a domain that has a workbook pays it.
    ("engine.ruleset", "engine.tables.workbook"),
    # Only the command that runs Flower loads tornado.
    ("cli.flower", "workers.monitoring.flower"),
    # Only what answers scrapes loads prometheus_client.
    ("cli.metrics", "workers.monitoring.metrics"),
    ("gateway.serve", "workers.monitoring.metrics"),
}


@pytest.mark.parametrize("room", ["engine", "rulefarm", *(room for room in ROOMS if room not in WITHOUT_FACE)])
def test_a_face_hands_on_what_it_imports(room: str) -> None:
    nodes = [node for node in parsed(MODULES[room]).body if isinstance(node, ast.ImportFrom)]
    assert sorted(alias.asname or alias.name for node in nodes for alias in node.names) == sorted(handed_on(room))


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in WITHOUT_FACE])
def test_nobody_imports_past_a_face(room: str) -> None:
    inside = f"{room}."
    past = {
        (name, module)
        for name, path in MODULES.items()
        if not name.startswith(inside) and name != room
        for module in imported(path)
        if module.startswith(inside) and module not in ROOMS
    }
    assert past <= PAST


def test_who_may_import_past_a_face_does() -> None:
    assert {(name, module) for name, module in PAST if module in imported(MODULES[name])} == PAST


def test_no_module_imports_the_face_it_stands_behind() -> None:
    # A face imports its modules: the way back would be a circle. Circles between modules are import-linter's.
    for name, path in MODULES.items():
        assert not {face for face in imported(path) if name.startswith(f"{face}.")}, name
