"""The page of docs that lists every function.  functions -> [function_page] -> docs/functions.md

`python -m engine.function_page > docs/functions.md` writes it anew; a test holds the page against the table."""

import sys

from engine.functions import FUNCTIONS

_HEAD = """# Functions

Every function that a rule can call. A method form means the same: `Product.name.ToUpper()` is `ToUpper(Product.name)`.
Square brackets hold what may be left out; `…` means that the last one may be repeated.

- A function that is given null, or a value of another kind than it takes, gives null, unless its line says otherwise.
- Numbers are decimals of 15 significant digits, rounded half to even; dates are in UTC.
- No function fails, and none depends on anything but its arguments; `Now()` is the moment that the job is judged at.
- A text longer than 100,000 characters is not built: the result is null.

Over a list fact, `Count`, `Sum`, `Min`, `Max` and `Avg` take what is computed for each element: `Sum(Line.amount)`.
They skip nulls; over nothing `Count` and `Sum` are 0, the others null.
"""


def function_page() -> str:
    """The text of the page, in Markdown."""
    lines = [_HEAD, "| Function | What it gives | Holds |", "|---|---|---|"]
    for function in FUNCTIONS.values():
        cells = (f"`{function.signature}`", function.summary, f"`{function.example}`")
        # A bar would end the cell, even within code.
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(function_page())
