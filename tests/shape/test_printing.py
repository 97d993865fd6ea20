"""Everything that a command prints passes one place, which escapes it."""

import ast

import pytest

from tests.shape.product import MODULES, parsed

#: What prints or makes text for a terminal, and who alone may use it.
ONLY_IN = {
    ("click", "echo"): {"cli.display.terminal"},
    ("click", "secho"): set(),
    ("click", "style"): set(),
    ("rich", "print"): set(),
    ("rich.console", "Console"): {"cli.display.terminal"},
    ("rich.text", "Text"): {"cli.display.terminal"},
    ("rich.table", "Table"): {"cli.display.table"},
    ("sys", "stdout.write"): set(),
    ("sys", "stderr.write"): set(),
}


def used(module: str) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(parsed(MODULES[module])):
        if isinstance(node, ast.ImportFrom):
            found |= {(node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute):
            package, _, name = ast.unparse(node).partition(".")
            found.add((package, name))
    return found


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "cli"])
def test_a_command_prints_through_the_terminal_module(module: str) -> None:
    assert {what for what in used(module) & set(ONLY_IN) if module not in ONLY_IN[what]} == set()


def test_the_search_finds_what_it_looks_for() -> None:
    assert {("click", "echo"), ("rich.text", "Text")} <= used("cli.display.terminal")
