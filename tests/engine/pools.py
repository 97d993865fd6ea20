"""The few values, names and paths that generated rules, facts and schemas are made of, so that they meet often.

Numbers with ties, tiny differences, and values whose sum or product lies at the edge of 15 digits."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from engine.functions import FUNCTIONS
from engine.language import Expression, Path, nodes

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
MOMENTS = [datetime(2026, 2, 27, tzinfo=UTC), AS_OF, datetime(2026, 3, 1, 12, tzinfo=UTC)]
#: Moments, days, and moments that say no zone.
DAYS = [*MOMENTS, date(2026, 2, 28), date(2026, 3, 1), datetime(2026, 3, 1, 0, 30)]
NUMBERS = ["0", "1", "2", "3", "4", "5", "-1", "0.1", "0.2", "0.3", "1.02", "10", "10.2", "10.19", "2.5"]
EDGES = ["1e15", "999999999999999", "1e-5", "1e200", "-1e200", "1e-200", "3e-290", "9e299"]
EDGES += ["0.333333333333333", "123456789.123456"]
TEXTS = ["", "a", "b", "ab", "abc", "1", "a\ud800", "é"]
PATTERNS = ["a", "^a.*c$", "[", "b|1"]
NUMERIC = ["n", "m", "k"]
FIELDS = [*NUMERIC, "t", "u", "f", "d", "tags", "x"]
#: Numbers that only rules write.
DERIVED = ["p", "q"]
#: Calls that rules make, with the kinds of their arguments.
EMITTED = {"Alert": ["text"], "Note": ["text", "number"], "Ping": [], "Keep": ["list"]}
LINE_FIELDS = ["n", "n", "m", "t", "f", "x"]
ODD_PATHS = [
    Path("P", ("x", "y")),
    Path("P", ("tags", 0)),
    Path("L", (0, "n")),
    Path("L"),
    Path("P"),
    Path("Q", ("n",)),
]
#: What has items. The last two are read as a whole.
WHOLES: list[Expression] = [
    Path("P", ("tags",)),
    Path("P", ("tags",)),
    Path("P", ("x",)),
    nodes.Call("Split", (Path("P", ("t",)), nodes.Literal("b"))),
    Path("L"),
    Path("P"),
]
ORDER = ("==", "!=", "<", "<=", ">", ">=")
TEXT_OPS = ("contains", "startsWith", "endsWith", "matches")
CALLED = sorted(FUNCTIONS)


def between(pick: Callable[[list[Any]], Any]) -> Expression:
    """A field between two others, as a cell of a table has it: `[P.n..P.m)`."""
    subject, low, high = (Path("P", (pick([*NUMERIC, "t", "d"]),)) for _ in range(3))
    return nodes.And((nodes.Compare(pick([">=", ">"]), subject, low), nodes.Compare(pick(["<=", "<"]), subject, high)))
