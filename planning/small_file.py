"""A file that whoever plans names: prices, a calibration.  path -> [small_file] -> text

Reads no more than such a file can have: a device may never end. What stands in it is for the caller to read."""

from pathlib import Path

#: Characters of a file.
MAX_CHARACTERS = 1_000_000


def read_small_file(path: Path) -> str:
    """The text of a file.

    Args:
        path: of it.

    Raises:
        OSError: it can't be read.
        ValueError: it is not in UTF-8, has a name that no file can have, or more than MAX_CHARACTERS.
    """
    with path.open(encoding="utf-8") as file:
        text = file.read(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"more than {MAX_CHARACTERS} characters")
    return text
