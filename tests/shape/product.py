"""The product as the tests of its shape see it: modules that are read, not imported."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Top packages and the folders that hold them; the client is a distribution of its own.
PACKAGES = dict.fromkeys(
    ("engine", "rulesets", "store", "tasks", "workers", "gateway", "planning", "cli", "examples", "bench"), ROOT
)
PACKAGES["rulefarm"] = ROOT / "client"


@cache
def parsed(path: Path) -> ast.Module:
    """A module's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path, folder: Path) -> str:
    return ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")


#: Every module of the product by its dotted name: that of a package for its face.
MODULES = {
    _name(path, folder): path for name, folder in PACKAGES.items() for path in sorted((folder / name).rglob("*.py"))
}


@cache
def handed_on(package: str) -> list[str]:
    """The names that a package's face hands on: what stands in its `__all__`, in order."""
    for node in parsed(MODULES[package]).body if package in MODULES else []:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


@cache
def imported(path: Path) -> frozenset[str]:
    """Dotted names of the modules that a module imports from, wherever in it; `if TYPE_CHECKING` included."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            # `from package import name` reaches past the face if the name is a module's, and the face hands on no such;
            # whoever stands behind the face never gets it from there.
            past = {alias.name for alias in node.names if f"{module}.{alias.name}" in MODULES}
            past -= set() if path.is_relative_to(MODULES.get(module, path).parent) else set(handed_on(module))
            names |= {f"{module}.{name}" for name in past}
            if any(alias.name not in past for alias in node.names):
                names.add(module)
    return frozenset(names)
