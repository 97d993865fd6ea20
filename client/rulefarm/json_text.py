"""Plain values as JSON text, to the byte as Python's own encoder writes it.  values -> [json_text] -> wire

By orjson where it is installed, in a fifth of the time: the server brings it along, and so does the client's extra
`ledger`; the client alone does without. It writes a few numbers otherwise than Python, and reads an integer beyond 64
bits as a float: whatever may hold such a number is left to Python. Refuses nothing; what may be a fact is settled by
`rulefarm.normalize`."""

import json
import re
from importlib import import_module
from typing import Any


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_ORJSON = _installed("orjson")
# Names are in order, and nothing is in itself, in what `normalize` gives.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), allow_nan=False)
#: A number with an exponent, of which Python writes the digits otherwise. Texts that look like one are few.
_EXPONENT = re.compile(r"e[+-]?[0-9]{1,3}(?:[,}\]]|\Z)")
#: What orjson writes out, and Python with an exponent: 0.00001 to 0.0001.
_SMALL = "0.0000"
#: Digits as zeros, and what stands before a number as a colon: in one pass over the text.
_FIGURES = bytes(48 if 48 <= code <= 57 else 58 if code in b",[-" else code for code in range(256))
#: An integer that `normalize` looks at, or a float that is as long.
_LONG = b":" + b"0" * 16
#: A float that is whole, and an integer in canonical text.
_WHOLE = re.compile(rb"\.0(?![0-9])")


def encode(values: Any) -> str:
    """Plain values as JSON without space, names in the order in which they stand.

    Args:
        values: what `rulefarm.normalize` gives.

    >>> encode({"b": [1e-05, 1e16, 0.1], "a": None})
    '{"b":[1e-05,1e+16,0.1],"a":null}'
    """
    if _ORJSON is not None:
        try:
            text: str = _ORJSON.dumps(values).decode()
        except TypeError:
            # An integer beyond 64 bits, or a name that is text of a class of its own.
            pass
        else:
            if _SMALL not in text and not _EXPONENT.search(text):
                return text
    return _ENCODER.encode(values)


def in_order(text: str) -> tuple[str, dict[str, Any]] | None:
    """JSON that only has to be brought into order to be canonical, and what is read from it then.

    Args:
        text: JSON of an object that was canonical once, as Postgres gives it back from a column of type jsonb: its
            names are in another order, its numbers written out, and blanks are between.

    Returns:
        None where that may not be all that there is to do, or takes as long in any way.

    >>> in_order('{"P": {"a": 7.0}}')
    """
    if _ORJSON is None:
        return None
    try:
        written = _ORJSON.dumps(_ORJSON.loads(text), option=_ORJSON.OPT_SORT_KEYS)
    except ValueError:
        # A number that no float64 holds: Python reads it, and then it is refused by name.
        return None
    if _WHOLE.search(written) or _LONG in written.translate(_FIGURES):
        return None
    ordered: str = written.decode()
    if _SMALL in ordered or _EXPONENT.search(ordered):
        return None
    # Of two names that mean one field the first counts, so the values are in the order of the text.
    return ordered, _ORJSON.loads(written)
