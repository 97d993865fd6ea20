"""Where the keys of a TOML file stand.  domain.toml -> [toml_locations] -> reader

`tomllib` gives values without places; this finds the line of a table or a key by its look, in one pass over the lines.
It is right for TOML as people write it, one key a line, and near for the rest."""

import re
import tomllib

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"""(\s*)(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[=.]""")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


class TomlLocations:
    """The places of the tables and keys of one file.

    Args:
        lines: of the file.
    """

    def __init__(self, lines: list[str]) -> None:
        self._tables: dict[str, int] = {"": 1}
        self._keys: dict[tuple[str, str], tuple[int, int]] = {}
        table = ""
        for number, text in enumerate(lines, 1):
            header = _TABLE.match(text)
            if header:
                table = header[1].strip()
                self._tables[table] = number
                continue
            key = _KEY.match(text)
            if key:
                name = key[2] or key[3] or key[4] or ""
                self._keys.setdefault((table, name), (number, len(key[1]) + 1))

    def find(self, table: str, key: str = "") -> tuple[int, int, int]:
        """Line, column and length of a key in a table; those of the table when there is no such key.

        Args:
            table: dotted, as in its header; empty for the top.
            key: within it; default: the table itself.
        """
        if (table, key) in self._keys:
            return (*self._keys[table, key], len(key))
        return self._tables.get(table, 1), 1, 1


def syntax_problem(error: tomllib.TOMLDecodeError, lines: list[str]) -> tuple[str, int, int]:
    """What `tomllib` says is wrong: the message, the line and the column.

    Args:
        error: what it raised.
        lines: of the file, for a problem at its end.
    """
    place = _PLACE.search(str(error))
    end = (max(1, len(lines)), len(lines[-1]) + 1 if lines else 1)
    line, column = (int(place[1]), int(place[2])) if place and place[1] else end
    message = str(error)[: place.start()] if place else str(error)
    return f"not TOML: {message[:1].lower()}{message[1:]}", line, column
