"""A public function with several parameters says of each what it is: all of them, by name, in their order."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.shape.product import MODULES, parsed

#: Packages whose functions are read by people who use them. A command says it in the help of its options.
READ = ("engine", "rulefarm", "rulesets", "store", "tasks", "workers", "gateway", "planning")
#: Functions whose parameters are described where their callers look.
ELSEWHERE = (
    # What rules call: the registry says what each takes, and `docs/language.md` shows it.
    "engine.functions.dates.",
    "engine.functions.lists.",
    "engine.functions.grule.",
    "engine.functions.numbers.",
    "engine.functions.texts.",
    # What Celery and Alembic call, with what their own pages say.
    "store.migrations.filter.ours",
    "workers.consumer.consumer.RefusingConsumer.",
    "workers.consumer.request.FarmRequest.",
)
_SECTION = re.compile(r"^Args:\n((?:[ ]+.*\n?|\n)+)", re.MULTILINE)
_PARAMETER = re.compile(r"^    \*{0,2}(\w+)(?:,|:|$)", re.MULTILINE)


def public_functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions and methods that somebody else may call, by dotted name."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}.{node.name}")
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            yield f"{prefix}.{node.name}", node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    several = [given.vararg] if given.vararg else []
    named = [given.kwarg] if given.kwarg else []
    every = [*given.posonlyargs, *given.args, *several, *given.kwonlyargs, *named]
    # An underscore: what a protocol hands over and this function has no use for.
    return [each.arg for each in every if each.arg not in ("self", "cls") and not each.arg.startswith("_")]


def documented(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    section = _SECTION.search(ast.get_docstring(function) or "")
    return _PARAMETER.findall(section[1]) if section else []


@pytest.mark.parametrize("package", READ)
def test_every_function_says_what_its_parameters_are(package: str) -> None:
    functions = {
        name: function
        for module, path in MODULES.items()
        if module.split(".")[0] == package
        for name, function in public_functions(parsed(path).body, module)
        if len(parameters(function)) > 1 and not name.startswith(ELSEWHERE)
    }
    assert functions
    said = {name: documented(function) for name, function in functions.items()}
    assert said == {name: parameters(function) for name, function in functions.items()}
