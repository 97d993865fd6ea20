"""What a function of the language is, and how it is called.  [function] -> registry -> checks, evaluation

`engine.checks` reads the kinds of a `Function`, `engine.evaluation` calls `invoke`. Which functions there are is not
known here (`engine.functions.registry`)."""

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.values import Value, kind_of

#: Kinds of a parameter: `any` takes every kind and null.
ParamKind = typing.Literal["number", "text", "date", "time", "duration", "list", "text or list or object", "any"]

#: Kinds of a result: `any` where it depends on the arguments.
ResultKind = typing.Literal["number", "text", "boolean", "date", "time", "duration", "list", "any"]

#: The kinds of value that a parameter takes, where it does not take all.
_TAKEN: dict[ParamKind, frozenset[str]] = {
    kind: frozenset(kind.split(" or ")) for kind in typing.get_args(ParamKind) if kind != "any"
}


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language."""

    name: str
    #: Kind of each parameter.
    params: tuple[ParamKind, ...]
    #: Kind of the result; it can be null all the same.
    result: ResultKind
    #: Takes values of those kinds, gives a value.
    call: Callable[..., Value]
    #: One sentence for docs/language.md.
    summary: str
    #: A condition that holds, for docs/language.md.
    example: str
    #: How many of the last parameters may be left out.
    optional: int = 0
    #: The last parameter may be repeated.
    variadic: bool = False
    #: Whether `call` gets `as_of` before its arguments.
    timed: bool = False
    #: Whether `call` gets the zone of the domain before its arguments, and after `as_of`.
    zoned: bool = False

    @property
    def least(self) -> int:
        """Fewest arguments."""
        return len(self.params) - self.optional

    @property
    def most(self) -> int | None:
        """Most arguments; None: any number."""
        return None if self.variadic else len(self.params)

    def kind_at(self, position: int) -> ParamKind:
        """Kind of the argument at a position, from 0."""
        return self.params[min(position, len(self.params) - 1)]

    @property
    def signature(self) -> str:
        """How it is called: `Round(number[, number]) -> number`."""
        required = ", ".join(self.params[: self.least])
        extra = "".join(f"[, {kind}]" if required else f"[{kind}]" for kind in self.params[self.least :])
        return f"{self.name}({required}{extra}{', …' if self.variadic else ''}) -> {self.result}"


def invoke(function: Function, args: Sequence[Value]) -> Value:
    """Call a function with arguments of any kind.

    Args:
        function: which; `args` are as many as it takes.
        args: the values; before them `as_of` for a timed function, then the zone for a zoned one.

    Returns:
        Its value; None when an argument is null or of another kind than the function takes.

    >>> size = Function("Abs", ("number",), "number", abs, "", "")
    >>> invoke(size, [-3.0]), invoke(size, ["x"])
    (3.0, None)
    """
    before = function.timed + function.zoned
    for position, value in enumerate(args[before:] if before else args):
        param = function.kind_at(position)
        if param != "any" and kind_of(value) not in _TAKEN[param]:
            return None
    return function.call(*args)
