"""A room is used by its face: that hands on what it imports, and nobody outside imports past it.

That whoever uses the engine imports `engine` alone is a contract of import-linter, in setup.cfg."""

import ast
import subprocess
import sys

import pytest

from tests.shape.product import MODULES, ROOT, handed_on, imported, parsed

ROOMS = sorted(
    name
    for name, path in MODULES.items()
    if path.stem == "__init__" and name.startswith(("engine.", "rulefarm.", "tasks.", "workers."))
)
#: Rooms whose modules are programs and parts of one command, not a service to others.
WITHOUT_FACE = {"workers.demo", "workers.drill"}
#: Who may import past a face, and why.
PAST = {
    # openpyxl takes a quarter of a second to import: only a domain that has a workbook pays it.
    ("engine.ruleset", "engine.tables.workbook"),
    ("engine.table_view", "engine.tables.workbook"),
    # Only the command that runs Flower loads tornado.
    ("cli.flower", "workers.monitoring.flower"),
    # Only what answers scrapes loads prometheus_client.
    ("cli.metrics", "workers.monitoring.metrics"),
    ("gateway.serve", "workers.monitoring.metrics"),
}
#: Faces that load a module when a name of it is asked for.
LAZY = ["rulefarm", "rulefarm.messaging", "workers.monitoring"]


def brought(room: str) -> list[tuple[str, str]]:
    """The names that a face imports, each with its module; of a lazy face those for type checkers."""
    body = parsed(MODULES[room]).body
    if room in LAZY:
        [lazy] = [node for node in body if isinstance(node, ast.If)]
        body = lazy.body
    nodes = [node for node in body if isinstance(node, ast.ImportFrom)]
    return [(alias.asname or alias.name, node.module or "") for node in nodes for alias in node.names]


@pytest.mark.parametrize("room", ["engine", "rulefarm", *(room for room in ROOMS if room not in WITHOUT_FACE)])
def test_a_face_hands_on_what_it_imports(room: str) -> None:
    assert sorted(name for name, _ in brought(room)) == sorted(handed_on(room))


@pytest.mark.parametrize("room", LAZY)
def test_a_lazy_face_loads_each_name_from_where_it_is_said_to_be(room: str) -> None:
    [where] = [node for node in ast.walk(parsed(MODULES[room])) if isinstance(node, ast.Dict)]
    loaded = {(name, f"{room}.{module}") for name, module in ast.literal_eval(where).items()}
    assert loaded == set(brought(room))
    # A module that is loaded is an attribute of its package, and would stand before what the face hands on.
    assert not {f"{room}.{name}" for name, _ in loaded} & MODULES.keys()


def test_what_only_reads_postgres_loads_neither_celery_nor_the_engine() -> None:
    script = "import sys, cli.verdicts, cli.prune; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {name.split(".")[0] for name in loaded.split()}
    assert "sqlalchemy" in top
    assert not top & {"alembic", "celery", "engine", "kombu", "numpy", "polars", "redis", "tasks", "workers"}


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
