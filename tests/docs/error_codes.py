"""Every code that the farm can give, found in its source.  *.py -> [error_codes] -> code, and where it is given

A code is handed to what has a parameter or a field `code`, or stands under the key `code`. Among what is handed over
there it is the text of its shape; constants, local names and conditions are followed. A call that hands over a code
which can't be read like that is told, so that no code is missed in silence. Reads the source alone; of the code itself
it takes the two tables of outages, whose endings the codes of servers have."""

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rulefarm import redis_replies
from rulefarm.database import sqlstates
from rulefarm.outages import SILENT

ROOT = Path(__file__).parents[2]
PACKAGES = ("client/rulefarm", "engine", "rulesets", "store", "tasks", "workers", "gateway", "planning", "cli")
#: What has a code that is no error's: a finding of the drill is a line of its report; an outage's is an ending.
_NO_ERRORS = {"Finding", "Outage"}
_CODE = re.compile("[a-z]+(-[a-z0-9]+)+")
_OF_REDIS = {outage.code for _, outage in redis_replies.REPLIES} | {SILENT.code}
#: Beginnings of codes that are put together when they are raised, and their endings.
_ENDINGS = {
    "database-": {outage.code for outage in (*sqlstates.SQLSTATES.values(), SILENT)},
    "broker-": _OF_REDIS,
    "facts-": _OF_REDIS,
}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)


@dataclass(slots=True)
class Codes:
    """What was found."""

    #: Code to the places, `path:line`, where it is given.
    places: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Calls that hand over a code which can't be read.
    unread: list[str] = field(default_factory=list)


def codes_in_source() -> Codes:
    """Every code in the packages of the farm."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return codes_of({str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths})


def codes_of(modules: dict[str, ast.Module]) -> Codes:
    """Every code in some modules.

    Args:
        modules: by their names, which places begin with.
    """
    # Every module is walked once, for that takes longest.
    every = {name: list(ast.walk(module)) for name, module in modules.items()}
    defined = {name: list(_defined(nodes)) for name, nodes in every.items()}
    takers = _takers(every.values(), defined.values())
    assigned: dict[str, list[ast.expr]] = defaultdict(list)
    for nodes in every.values():
        for node in nodes:
            for name, value in _assigned(node):
                assigned[name].append(value)
    codes = Codes()
    for name, module in modules.items():
        _Reader(name, module, defined[name], takers, assigned, codes).read()
    return codes


def _takers(every: Collection[list[ast.AST]], defined: Collection[list[tuple[str, bool]]]) -> dict[str, set[bool]]:
    """Names of functions and classes, and whether what has that name takes a code: all of it, some, or none."""
    takers: dict[str, set[bool]] = defaultdict(set)
    for name, is_taker in (one for names in defined for one in names):
        takers[name].add(is_taker)
    classes = [node for nodes in every for node in nodes if isinstance(node, ast.ClassDef)]
    grown = True
    while grown:
        grown = False
        for node in classes:
            # Whose class takes a code takes one too, if it does not begin in a way of its own.
            begins = any(isinstance(each, _Function) and each.name == "__init__" for each in node.body)
            if not begins and takers[node.name] != {True} and any(takers[_name(base)] == {True} for base in node.bases):
                takers[node.name], grown = {True}, True
    return takers


def _defined(nodes: list[ast.AST]) -> Iterator[tuple[str, bool]]:
    for node in nodes:
        if isinstance(node, _Function) and node.name != "__init__":
            yield node.name, _takes_code(node)
        elif isinstance(node, ast.ClassDef):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and _name(each.target) == "code"]
            begins = [each for each in node.body if isinstance(each, _Function) and each.name == "__init__"]
            is_taker = any(map(_takes_code, begins)) or any("str" in ast.unparse(each.annotation) for each in fields)
            yield node.name, is_taker and node.name not in _NO_ERRORS
            # One that may go without is not asked for it.
            if any(each.value is not None for each in fields):
                yield node.name, False


def _takes_code(function: _Function) -> bool:
    arguments = (*function.args.args, *function.args.kwonlyargs)
    # An exit code is a number.
    return any(each.arg == "code" and each.annotation and "str" in ast.unparse(each.annotation) for each in arguments)


class _Reader:
    """Reads one module."""

    def __init__(
        self,
        path: str,
        module: ast.Module,
        defined: list[tuple[str, bool]],
        takers: dict[str, set[bool]],
        assigned: dict[str, list[ast.expr]],
        codes: Codes,
    ) -> None:
        self._path = path
        self._module = module
        # A name that the module itself defines is that one, unless every one of that name takes a code.
        own: dict[str, set[bool]] = defaultdict(set)
        for name, is_taker in defined:
            own[name].add(is_taker)
        self._takers = takers | {name: found for name, found in own.items() if takers[name] != {True}}
        self._assigned = assigned
        self._codes = codes
        self._locals: dict[_Function | None, dict[str, list[ast.expr]]] = {}

    def read(self) -> None:
        """Note every code."""
        self._read(self._module, None, None)

    def _read(self, node: ast.AST, function: _Function | None, owner: str | None) -> None:
        if isinstance(node, _Function):
            function = node
        elif isinstance(node, ast.ClassDef):
            owner = node.name
        elif isinstance(node, ast.Call):
            self._call(node, function, owner)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    self._note(value, self._texts(value, function))
        for name, value in _assigned(node):
            if name == "_code":
                self._note(value, self._texts(value, function))
        for child in ast.iter_child_nodes(node):
            self._read(child, function, owner)

    def _call(self, call: ast.Call, function: _Function | None, owner: str | None) -> None:
        name = _name(call.func)
        if name == "cls" and owner:
            name = owner
        takes = self._takers.get(name, set())
        named = [each.value for each in call.keywords if each.arg == "code" and name not in _NO_ERRORS]
        if True in takes or name == "__init__":
            values = named or call.args
            is_spread = any(each.arg is None for each in call.keywords)
            texts = [text for value in values for text in self._texts(value, function)]
            self._note(call, texts)
            if takes == {True} and not (texts or is_spread or any(map(self._is_passed_on, values))):
                self._codes.unread.append(f"{self._path}:{call.lineno}: {ast.unparse(call)}")
        else:
            for value in named:
                self._note(value, self._texts(value, function))

    def _note(self, node: ast.expr, texts: list[str]) -> None:
        for text in texts:
            self._codes.places[text].add(f"{self._path}:{node.lineno}")

    def _texts(self, value: ast.expr, function: _Function | None, depth: int = 0) -> list[str]:
        """The codes that an expression may be."""
        match value:
            case ast.Constant(value=str(text)):
                return [text] if _CODE.fullmatch(text) else []
            case ast.IfExp(body=one, orelse=other):
                return self._texts(one, function, depth) + self._texts(other, function, depth)
            case ast.JoinedStr(values=[ast.Constant(value=str(begin)), ast.FormattedValue()]) if begin in _ENDINGS:
                return [begin + ending for ending in _ENDINGS[begin]]
            case ast.Name(id=name) if depth < 3:
                values = self._local(function).get(name, [])
                values = values or (self._assigned[name] if name.isupper() else [])
                return [text for each in values for text in self._texts(each, function, depth + 1)]
            case ast.Starred(value=ast.Attribute(attr=name) | ast.Subscript(value=ast.Attribute(attr=name))):
                # A pair of code and words that was put together elsewhere: all that is called so.
                pairs = [
                    node for each in self._assigned[name] for node in ast.walk(each) if isinstance(node, ast.Tuple)
                ]
                return [text for pair in pairs for text in self._texts(pair.elts[0], function, depth + 1)]
        return []

    def _local(self, function: _Function | None) -> dict[str, list[ast.expr]]:
        """What a function gives to names; it is walked once, however many codes are read in it."""
        if function not in self._locals:
            found = self._locals[function] = defaultdict(list)
            for node in ast.walk(function) if function is not None else ():
                for name, value in _assigned(node):
                    found[name].append(value)
        return self._locals[function]

    def _is_passed_on(self, value: ast.expr) -> bool:
        """Whether this is the code of something that got it elsewhere, where it was seen."""
        match value:
            case ast.Attribute(attr="code" | "_code") | ast.Subscript(slice=ast.Constant(value="code")):
                return True
            case ast.Name(id="code"):
                return True
        return False


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement gives values to; of a member or an item, that of the member, or of what holds it."""
    if not isinstance(node, _ASSIGNS):
        return
    value: ast.expr | None = node.value
    targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            yield from ((_name(one), of_one) for one, of_one in zip(target.elts, value.elts, strict=True))
        elif value is not None:
            yield _name(target.value if isinstance(target, ast.Subscript) else target), value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
