"""What every module of the product says and how it is named; what stands at the top; what a producer must not load.

What may import what is kept by import-linter: its contracts are in setup.cfg, and `make lint` runs them."""

import ast
import subprocess
import sys
from collections import defaultdict

from tests.shape.product import MODULES, ROOT, parsed

#: Lines of a file. More are several things in one place.
MAX_LINES = 320
#: Names that two modules of the farm share, because the room is half of the name.
SHARED_NAMES = {
    "plan": "how a frame is judged; which faults come when in a drill",
    "probes": "functions that look up which conjunctions hold; messages that show whether a queue is served",
    "reader": "of facts, of a schema, of a decision table",
}


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, path in MODULES.items() if not ast.get_docstring(parsed(path))] == []
    assert {path.stem for path in MODULES.values()} & {"utils", "helpers", "common", "manager", "misc"} == set()


def test_a_file_can_be_read_at_one_sitting() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.splitlines() if (ROOT / name).exists()]
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in files}
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_module_is_named_like_another() -> None:
    # A command is named like what it runs, a page like what it shows.
    named = defaultdict(set)
    for name, path in MODULES.items():
        distribution = "client" if name.startswith("rulefarm.") else "farm"
        if path.stem != "__init__" and not name.startswith(("cli.", "examples.", "bench.", "gateway.console.pages.")):
            named[distribution, path.stem].add(name)
    assert {stem for (_, stem), names in named.items() if len(names) > 1} == SHARED_NAMES.keys()


def test_no_class_is_named_like_another() -> None:
    named = defaultdict(set)
    for name, path in MODULES.items():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                named[node.name].add(name)
    assert {name: modules for name, modules in named.items() if len(modules) > 1} == {}


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
    beside = {
        "store",
        "client",
        "gateway",
        "examples",
        "docs",
        "bench",
        "deploy",
        "findings",
        "planning",
        "pyproject.toml",
    }
    pages = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    top = {name.split("/")[0] for name in listed if name}
    assert fixed <= top
    assert top - fixed - beside - pages <= {".ci", ".gitignore"}
