"""The table of every function, for the page about the language.  functions -> [function_page] -> docs/language.md

`python -m engine.function_page` prints it, to be put there; a test holds the page against it."""

import sys

from engine.functions import FUNCTIONS


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
