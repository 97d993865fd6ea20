"""CSV that a spreadsheet opens safely.  documents -> [csv_lines] -> `rulefarm verdicts --csv`, the console's export

A text that a spreadsheet would run as a formula gets an apostrophe before it, which the program shows as text; lists
stand in one cell, in words. Prints nothing."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rulefarm.escaping import visible

#: What a formula begins with, in wide letters too, and white space that a program may drop before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Kept in a cell, which is quoted then.
WITHIN_QUOTES = "\t\r\n"


def csv_lines(
    columns: Sequence[str], documents: Iterable[Mapping[str, Any]], *, raw: bool = False, keep: str = WITHIN_QUOTES
) -> Iterator[str]:
    """Documents as CSV, without line ends, the header first.

    Args:
        columns: names of the fields, in order.
        documents: as `Verdict.to_json` gives them.
        raw: texts stay as they are. Default: they are made safe.
        keep: control characters that stay in a cell. Default: those that a quoted one may have; a terminal, which they
            would move about on, gets none.
    """
    yield csv_line(columns)
    for document in documents:
        cells = [_cell(document[name]) for name in columns]
        yield csv_line(cells if raw else [_safe(cell, keep) for cell in cells])


def csv_line(cells: Sequence[Any]) -> str:
    """One record, quoted where it has to be.

    Args:
        cells: text and numbers.
    """
    line = io.StringIO()
    # Python quotes only those line ends that it writes itself, and a bare carriage return ends a record as well.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def _safe(cell: Any, keep: str) -> Any:
    if not isinstance(cell, str):
        return cell
    return visible(f"'{cell}" if cell.startswith(_FORMULA) else cell, keep=keep)


def _cell(value: Any) -> Any:
    """A value as one cell."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} = {_word(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "; ".join(_item(item) for item in value)
    return value


def _item(item: Any) -> str:
    """A reason, an event, or the name of a rule."""
    if not isinstance(item, Mapping):
        return str(item)
    if "text" in item:
        return f"{item['rule']}: {item['text']}" if item.get("rule") else str(item["text"])
    if "arguments" in item:
        return f"{item['name']}({', '.join(_word(argument) for argument in item['arguments'])})"
    return _word(item)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
