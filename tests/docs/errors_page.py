"""docs/errors.md, made of docs/errors.toml: `python -m tests.docs.errors_page` writes it; a test holds that it is so.

The texts stand in that file and nowhere else. What is missing in it, or too much, is for `test_errors_page` to say."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "errors.md"
_HEAD = """# Errors

Every stable code: what causes it, and what to do. Programs branch on the code, people search for it; it stays when the
words of a message change. The message says what it is about, and where. In Python a code is `error.code` of a
`RulefarmError` or an `EngineError`; on the command line it stands in brackets, in a verdict in `reasons`, in a dead
letter in `code`. Made of [errors.toml](errors.toml), which a test compares with the source.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """Codes of one kind."""

    title: str
    note: str
    #: Code to cause and remedy.
    codes: dict[str, tuple[str, str]]


def sections() -> list[Section]:
    """What the file holds, in its order."""
    document = tomllib.loads((DOCS / "errors.toml").read_text(encoding="utf-8"))
    return [
        Section(title, codes.pop("note", ""), {code: (cause, remedy) for code, (cause, remedy) in codes.items()})
        for title, codes in document.items()
    ]


def page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for section in sections():
        lines = [f"## {section.title}", ""] + ([section.note, ""] if section.note else [])
        lines += ["| Code | Cause | What to do |", "| --- | --- | --- |"]
        # A bar would end the cell.
        rows = ((code, *(text.replace("|", r"\|") for text in texts)) for code, texts in section.codes.items())
        lines += [f"| `{code}` | {cause} | {remedy} |" for code, cause, remedy in rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
