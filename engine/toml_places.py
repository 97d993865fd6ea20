"""Where the keys of a TOML file stand.  domain.toml -> [toml_places] -> schema

`tomllib` gives values without places; this finds the line of a table or a key by its look, in one pass over the lines.
It is right for TOML as people write it, one key a line, and near for the rest."""

import re

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"""(\s*)(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[=.]""")


class TomlPlaces:
    """The places of one file."""

    def __init__(self, lines: list[str]) -> None:
        """Find them.

        Args:
            lines: of the file.
        """
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
