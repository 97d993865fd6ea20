"""What a rule can call: one table.  numbers, texts, lists, date_registry, grule -> [registry] -> docs/language.md

Gives `FUNCTIONS`, name to `Function`: the kinds it takes, the kind it gives, what it does, and an example that holds.
docs/language.md is written from the table. No function raises or has an effect, and each costs at most linear time in
its arguments. What a function is asked about null or about another kind than it takes is null, unless its summary says
otherwise."""

import sys
from typing import Final

from engine.functions import grule, lists, numbers, texts
from engine.functions.date_registry import DATE_FUNCTIONS
from engine.functions.function import Function


def _table(*functions: Function) -> dict[str, Function]:
    return {function.name: function for function in functions}


_N: Final = "number"
_T: Final = "text"
_D: Final = "date"
_L: Final = "list"

_NUMBERS = (
    Function("Abs", (_N,), _N, abs, "Size of a number, without its sign.", "Abs(-3.5) == 3.5"),
    Function("Ceil", (_N,), _N, numbers.ceil, "Smallest whole number not below it.", "Ceil(2.1) == 3"),
    Function("Floor", (_N,), _N, numbers.floor, "Largest whole number not above it.", "Floor(-2.1) == -3"),
    Function("Trunc", (_N,), _N, numbers.trunc, "Its whole part, towards zero.", "Trunc(-2.9) == -2"),
    Function(
        "Round",
        (_N, _N),
        _N,
        numbers.round_half_up,
        "Nearest number with that many decimals (default 0); a half goes away from zero.",
        "Round(2.345, 2) == 2.35 && Round(-2.5) == -3",
        optional=1,
    ),
    Function(
        "RoundToEven",
        (_N, _N),
        _N,
        numbers.round_half_even,
        "Nearest number with that many decimals (default 0); a half goes to the even digit.",
        "RoundToEven(2.5) == 2",
        optional=1,
    ),
    Function("Sign", (_N,), _N, numbers.sign, "-1, 0 or 1.", "Sign(-12) == -1"),
    Function("Sqrt", (_N,), _N, numbers.sqrt, "Square root; null below zero.", "Sqrt(2.25) == 1.5"),
    Function("Pow", (_N, _N), _N, numbers.power, "Base to a power; null where there is none.", "Pow(2, 10) == 1024"),
    Function("Exp", (_N,), _N, numbers.exp, "e to a power; null when too large.", "Exp(0) == 1"),
    Function("Ln", (_N,), _N, numbers.ln, "Natural logarithm; null at and below zero.", "Ln(1) == 0"),
    Function("Log10", (_N,), _N, numbers.log10, "Decimal logarithm; null at and below zero.", "Log10(1000) == 3"),
    Function(
        "Mod", (_N, _N), _N, numbers.modulo, "The same as `%`: the sign is that of the first.", "Mod(-7, 3) == -1"
    ),
    Function(
        "Min",
        ("any",),
        "any",
        lists.least,
        "Least of numbers, texts or dates of one kind, or of one list of them; skips nulls, null when none is left.",
        "Min(3, null, 2) == 2",
        variadic=True,
    ),
    Function(
        "Max",
        ("any",),
        "any",
        lists.greatest,
        "Greatest of numbers, texts or dates of one kind, or of one list; skips nulls, null when none is left.",
        "Max(3, 7, 5) == 7 && Max([1, 4]) == 4",
        variadic=True,
    ),
    Function("Sum", (_L,), _N, lists.total, "Sum of a list of numbers; skips nulls.", "Sum([1.1, 2.2, null]) == 3.3"),
    Function(
        "Avg", (_L,), _N, lists.mean, "Mean of a list of numbers; skips nulls; null if empty.", "Avg([1, 2]) == 1.5"
    ),
    Function(
        "CountDistinct", (_L,), _N, lists.count_distinct, "Different items; skips nulls.", "CountDistinct([2, 2]) == 1"
    ),
    Function(
        "ToNumber", ("any",), _N, numbers.to_number, "The number that a text writes.", 'ToNumber("12.50") == 12.5'
    ),
)

_TEXTS = (
    Function(
        "Len",
        ("text or list or object",),
        _N,
        lists.length,
        "Characters of a text, items of a list, members of an object that are not null.",
        'Len("abc") == 3 && Len([1, 2]) == 2',
    ),
    Function("ToUpper", (_T,), _T, texts.upper, "In capitals.", 'ToUpper("abc") == "ABC"'),
    Function("ToLower", (_T,), _T, texts.lower, "In small letters.", 'ToLower("ABC") == "abc"'),
    Function("Trim", (_T,), _T, str.strip, "Without the white space at both ends.", 'Trim("  a b ") == "a b"'),
    Function(
        "Substring",
        (_T, _N, _N),
        _T,
        texts.substring,
        "The characters from a position (first is 0), as many as said or all that follow.",
        'Substring("abcdef", 2, 3) == "cde" && Substring("abc", 1) == "bc"',
        optional=1,
    ),
    Function("Left", (_T, _N), _T, texts.left, "The first so many characters.", 'Left("abcdef", 2) == "ab"'),
    Function("Right", (_T, _N), _T, texts.right, "The last so many characters.", 'Right("abcdef", 2) == "ef"'),
    Function(
        "Replace",
        (_T, _T, _T),
        _T,
        texts.replace,
        "With every occurrence of the second text replaced by the third.",
        'Replace("a-b-c", "-", "+") == "a+b+c"',
    ),
    Function(
        "Index",
        (_T, _T),
        _N,
        texts.index,
        "Where the second text first occurs (from 0), or -1.",
        'Index("abc", "c") == 2',
    ),
    Function(
        "LastIndex",
        (_T, _T),
        _N,
        texts.last_index,
        "Where the second text last occurs (from 0), or -1.",
        'LastIndex("abca", "a") == 3',
    ),
    Function(
        "Repeat",
        (_T, _N),
        _T,
        texts.repeat,
        "The text so many times; null when that gets longer than 100,000 characters.",
        'Repeat("ab", 3) == "ababab"',
    ),
    Function("Split", (_T, _T), _L, texts.split, "The parts between separators.", 'Split("a,b", ",") == ["a", "b"]'),
    Function("Join", (_L, _T), _T, texts.joined, "The items, with a separator.", 'Join(["a", 1], "-") == "a-1"'),
    Function(
        "Concat",
        ("any",),
        _T,
        texts.concat,
        "All of them one after the other as text; null is empty.",
        'Concat("n", 1, null, true) == "n1true"',
        variadic=True,
    ),
    Function("ToText", ("any",), _T, texts.to_text, "As text; null is empty.", 'ToText(7.50) == "7.5"'),
)

_LISTS = (
    Function("First", (_L,), "any", lists.first, "First item; null when empty.", 'First(["a", "b"]) == "a"'),
    Function("Last", (_L,), "any", lists.last, "Last item; null when empty.", 'Last(["a", "b"]) == "b"'),
    Function(
        "With",
        (_L, "any"),
        _L,
        lists.with_items,
        "A list, and more items behind its own.",
        'With(["a"], "b", 2)[1] == "b"',
        variadic=True,
    ),
    Function("Distinct", (_L,), _L, lists.distinct, "Without repeated items.", "Len(Distinct([1, 2, 1])) == 2"),
)

_ANY = (
    Function("IsNull", ("any",), "boolean", lists.is_null, "Whether it is null or missing.", "IsNull(null)"),
    Function(
        "Coalesce",
        ("any",),
        "any",
        lists.coalesce,
        "The first that is not null.",
        "Coalesce(null, 2, 3) == 2",
        variadic=True,
    ),
)

#: Those that only Grule has a name for.
_GRULE = (
    Function("IsZero", ("any",), "boolean", grule.is_zero, 'Whether it is null, 0 or "".', 'IsZero(0) && !IsZero("0")'),
    Function(
        "Compare",
        (_T, _T),
        _N,
        grule.compare,
        "-1, 0 or 1: the first text comes before the second, is the same, comes after it.",
        '"a".Compare("b") == -1 && Compare("b", "b") == 0',
    ),
    Function(
        "Count",
        (_T, _T),
        _N,
        grule.count,
        "How often the second text occurs in the first. With one argument it is about a list of objects.",
        '"ABCABC".Count("BC") == 2 && Count("aaa", "aa") == 1',
    ),
    Function(
        "TimeFormat",
        (_D, _T),
        _T,
        grule.time_format,
        "The date as the layout writes 2 January 2006, 15:04:05, in Go's manner.",
        'TimeFormat(MakeTime(2026, 3, 1, 9, 5, 0), "Mon, 02 Jan 2006 15:04 -0700") == "Sun, 01 Mar 2026 09:05 +0000"',
        zoned=True,
    ),
    Function("Cbrt", (_N,), _N, grule.cbrt, "Cube root.", "Cbrt(-27) == -3"),
    Function("Exp2", (_N,), _N, grule.exp2, "2 to a power; null when too large.", "Exp2(10) == 1024"),
    Function("Expm1", (_N,), _N, grule.expm1, "`Exp(x) - 1`, exact near 0.", "Expm1(0) == 0"),
    Function("Pow10", (_N,), _N, grule.pow10, "10 to a power; null when too large.", "Pow10(3) == 1000"),
    Function("Log1p", (_N,), _N, grule.log1p, "`Ln(1 + x)`, exact near 0.", "Log1p(0) == 0"),
    Function("Log2", (_N,), _N, grule.log2, "Logarithm to base 2; null at and below zero.", "Log2(8) == 3"),
    Function("Hypot", (_N, _N), _N, grule.hypot, "Square root of the sum of the squares.", "Hypot(3, 4) == 5"),
    Function("Dim", (_N, _N), _N, grule.dim, "First less second, but not below 0.", "Dim(5, 3) == 2 && Dim(3, 5) == 0"),
    Function(
        "Remainder",
        (_N, _N),
        _N,
        grule.remainder_near,
        "What is left of the first over the nearest multiple of the second; null over 0.",
        "Remainder(7, 4) == -1",
    ),
    Function(
        "Copysign", (_N, _N), _N, grule.copysign, "Size of the first, sign of the other.", "Copysign(3, -1) == -3"
    ),
    Function("Signbit", (_N,), "boolean", grule.signbit, "Whether it is below 0.", "Signbit(-1) && !Signbit(0)"),
)

FUNCTIONS: dict[str, Function] = _table(*_NUMBERS, *_TEXTS, *_LISTS, *DATE_FUNCTIONS, *_ANY, *_GRULE)


def function_page() -> str:
    """The table, in Markdown."""
    lines = ["| Function | What it gives | Holds |", "|---|---|---|"]
    for function in FUNCTIONS.values():
        cells = (f"`{function.signature}`", function.summary, f"`{function.example}`")
        # A bar would end the cell, even within code.
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(function_page())
