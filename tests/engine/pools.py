"""The few values, names and paths that generated rules, facts and schemas are made of, so that they meet often.

Numbers with ties, tiny differences, and values whose sum or product lies at the edge of 15 digits."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from unicodedata import normalize

from engine.functions import FUNCTIONS
from engine.language import Expression, Path, nodes

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
MOMENTS = [datetime(2026, 2, 27, tzinfo=UTC), AS_OF, datetime(2026, 3, 1, 12, tzinfo=UTC)]
#: A zone and a moment at which its clocks are put: over the last hour of a day, over the first, over a whole day.
ZONES = {
    "UTC": AS_OF,
    "Europe/Berlin": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "America/St_Johns": datetime(2010, 11, 7, 2, 31, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 2, 18, 2, tzinfo=UTC),
    "Asia/Beirut": datetime(2026, 3, 28, 22, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),
    "Pacific/Kiritimati": AS_OF,
}
MOMENTS += [moment + timedelta(minutes=30 * n) for moment in ZONES.values() for n in (-1, 0, 1)]
#: Moments, days, and moments that say no zone.
DAYS = [*MOMENTS, date(2026, 2, 28), date(2026, 3, 1), datetime(2026, 3, 1, 0, 30)]
DAYS += [
    date(2026, 3, 29),
    datetime(2026, 3, 29, 2, 30),
    datetime(2026, 10, 25, 2, 30),
    date(2010, 11, 6),
    date(2010, 11, 7),
    datetime(2010, 11, 6, 23, 30),
    date(2018, 2, 17),
    date(2018, 2, 18),
    date(2011, 12, 29),
    date(2011, 12, 30),
    date(2011, 12, 31),
    datetime(2011, 12, 30, 12),
    date(1, 1, 2),
    date(9999, 12, 30),
    datetime(2150, 7, 1),
]
TIMES = [time.min, time(8), time(9, 30), time(9, 30, 0, 1), time(10, 30, 15, 500_000), time(18), time.max]
#: Some whose halves and sums lie at a microsecond, some as long as durations are.
DURATIONS = [timedelta(0), timedelta(hours=1), timedelta(minutes=90), timedelta(days=1), timedelta(microseconds=1)]
DURATIONS += [timedelta(hours=-1), timedelta(microseconds=3), timedelta(days=1, hours=2, microseconds=7)]
LONGEST = [timedelta(days=100_000_000), -timedelta(days=100_000_000), timedelta(days=60_000_000)]
#: As another system writes them.
CLOCK_TEXTS = ["08:00", "09:30:00", "10:30:15.5", "00:00", "09:30:00.000001"]
DURATION_TEXTS = ["PT1H", "PT90M", "P1D", "P1DT2H0.000007S", "-PT60M", "PT0S", "P1W"]
#: As rules write them, by the field that has such; a text is one where a schema says so.
CLOCKS: dict[str, list[Any]] = {"at": [*TIMES, "09:30"], "took": [*DURATIONS, *DURATIONS, *LONGEST, "PT1H"]}
NUMBERS = ["0", "1", "2", "3", "4", "5", "-1", "0.1", "0.2", "0.3", "1.02", "10", "10.2", "10.19", "2.5"]
EDGES = ["1e15", "999999999999999", "1e-5", "1e200", "-1e200", "1e-200", "3e-290", "9e299"]
EDGES += ["0.333333333333333", "123456789.123456"]
TEXTS = ["", "a", "b", "ab", "abc", "1", "a\ud800"]
#: One letter in several spellings, a mark without a letter, letters that capitals decompose.
TEXTS += ["é", "e\u0301", "\u0301", "ae", "\u212b", "Å", "ΐ"]
#: As literals of rules hold them.
LITERALS = sorted({normalize("NFC", text) for text in TEXTS})
PATTERNS = ["a", "^a.*c$", "[", "b|1"]
NUMERIC = ["n", "m", "k"]
FIELDS = [*NUMERIC, "t", "u", "f", "d", "tags", "x", "at", "took"]
#: Numbers that only rules write.
DERIVED = ["p", "q"]
#: A duration that only rules write.
LENGTH = "r"
CLOCKS[LENGTH] = DURATIONS
#: Calls that rules make, with the kinds of their arguments.
EMITTED = {"Alert": ["text"], "Note": ["text", "number"], "Ping": [], "Keep": ["list"], "Wait": ["duration", "time"]}
LINE_FIELDS = ["n", "n", "m", "t", "f", "x", "at", "took"]
ODD_PATHS = [
    Path("P", ("x", "y")),
    Path("P", ("tags", 0)),
    Path("L", (0, "n")),
    Path("L"),
    Path("P"),
    Path("Q", ("n",)),
    Path("P", ("x", "é")),
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
    subject, low, high = (Path("P", (pick([*NUMERIC, "t", "d", "at", "took"]),)) for _ in range(3))
    return nodes.And((nodes.Compare(pick([">=", ">"]), subject, low), nodes.Compare(pick(["<=", "<"]), subject, high)))
