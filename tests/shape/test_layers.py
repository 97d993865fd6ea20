"""The shape of the house: what may import what, what stands at the top, what a producer must not load."""

import ast
import subprocess
import sys
from collections.abc import Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: From the ground up: a layer may import itself and those before it, `rulefarm` may be imported by all but the engine.
LAYERS = ["rulefarm", "engine", "rulesets", "store", "tasks", "workers", "cli", "examples", "bench"]
#: The engine is pure, and a producer installs the client without it.
NEVER = {("engine", "rulefarm")}
FOLDERS = {layer: ROOT / ("client/rulefarm" if layer == "rulefarm" else layer) for layer in LAYERS}


def modules() -> list[tuple[str, Path]]:
    return [(layer, path) for layer, folder in FOLDERS.items() for path in sorted(folder.rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top names that a module imports, wherever in it; `if TYPE_CHECKING` included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize(("layer", "path"), modules(), ids=lambda value: getattr(value, "stem", value))
def test_imports_point_down(layer: str, path: Path) -> None:
    for name in imported(path) & set(LAYERS):
        assert LAYERS.index(name) <= LAYERS.index(layer), f"{path.relative_to(ROOT)} imports {name}, which is above it"
        assert (layer, name) not in NEVER, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", sorted(FOLDERS["engine"].rglob("*.py")), ids=lambda path: path.stem)
def test_the_engine_is_pure(path: Path) -> None:
    impure = {"celery", "kombu", "redis", "sqlalchemy", "psycopg2", "os", "socket", "time", "subprocess"}
    assert not imported(path) & impure


@pytest.mark.parametrize(("layer", "path"), modules(), ids=lambda value: getattr(value, "stem", value))
def test_a_module_says_what_it_is_for(layer: str, path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}


def test_no_two_modules_import_each_other() -> None:
    paths = {
        ".".join((layer, *path.relative_to(FOLDERS[layer]).with_suffix("").parts)).removesuffix(".__init__"): path
        for layer, path in modules()
    }
    graph = {name: _modules_imported(path, paths.keys()) - {name} for name, path in paths.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"import cycle: {' -> '.join((*trail[trail.index(name) :], name))}"
        if name not in done:
            for other in graph[name]:
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def _modules_imported(path: Path, known: Set[str]) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # `from package import module` depends on the module, not on what else the package's face hands on.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= whole & known or {node.module or ""}
    return names & known


def test_a_producer_loads_neither_the_engine_nor_numpy_nor_a_database_driver() -> None:
    script = (
        "import sys; from rulefarm import Farm, Settings; Farm(Settings(broker_url='redis://127.0.0.1:1'));"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {name.split(".")[0] for name in loaded.split()}
    assert "celery" in top
    assert not top & {"engine", "numpy", "polars", "sqlalchemy", "psycopg2", "re2", "store", "tasks", "workers", "cli"}


def test_the_top_level_holds_what_the_owner_fixed_and_no_stray() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    fixed = {"engine", "tasks", "rulesets", "workers", "cli", "tests", "Procfile", "setup.cfg", "Makefile"}
    beside = {"store", "client", "examples", "docs", "bench", "deploy", "findings", "pyproject.toml"}
    pages = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    top = {name.split("/")[0] for name in listed if name}
    assert fixed <= top
    assert top - fixed - beside - pages <= {".ci", ".gitignore"}
