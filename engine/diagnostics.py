"""A place in a source and a problem at it, with the frame that shows it.  [diagnostics] -> errors, language, schema

Takes positions and texts, gives values that every stage from lexer to lint reports. Raises nothing: what stops a
ruleset is in `engine.errors`."""

import typing
from dataclasses import dataclass
from typing import Any


class Span(typing.NamedTuple):
    """A stretch of one source, on one line."""

    #: Name of the file, as the caller gave it.
    source: str
    #: First line is 1.
    line: int
    #: First column is 1; counted in characters, a tab is one.
    column: int
    #: Characters to underline, at least 1; what spans several lines ends with its first line.
    length: int = 1


Severity = typing.Literal["error", "warning"]

#: A source line longer than this is shown as the window around its caret.
MAX_SHOWN_COLUMNS = 120


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem at one place."""

    #: Stable, kebab-case, listed in docs/errors.md.
    code: str
    #: An error refuses the load, a warning does not.
    severity: Severity
    #: None when the problem has no place.
    span: Span | None
    #: One sentence, no full stop.
    message: str
    #: What to do about it; may be empty.
    hint: str = ""
    #: The line that `span` points into, without its line end.
    source_line: str = ""

    def __str__(self) -> str:
        """`file:line:col: message [code]`, then the source line with a caret, then the hint."""
        if self.span is None:
            head = f"{self.message} [{self.code}]"
        else:
            head = f"{self.span.source}:{self.span.line}:{self.span.column}: {self.message} [{self.code}]"
        lines = [head if self.severity == "error" else f"{head} (warning)"]
        if self.span is not None and self.source_line.strip():
            lines += _frame(self.span, self.source_line)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The diagnostic as plain data, for editors."""
        span = self.span
        return {
            "code": self.code,
            "severity": self.severity,
            "source": span.source if span else None,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "length": span.length if span else None,
            "message": self.message,
            "hint": self.hint,
        }


def _frame(span: Span, source_line: str) -> list[str]:
    start = 0
    if len(source_line) > MAX_SHOWN_COLUMNS:
        start = max(0, span.column - 1 - MAX_SHOWN_COLUMNS // 2)
    shown = source_line[start : start + MAX_SHOWN_COLUMNS]
    before = shown[: span.column - 1 - start]
    # Tabs are kept, so that the caret stands right whatever a terminal makes of them.
    indent = "".join("\t" if mark == "\t" else " " for mark in before)
    width = max(1, min(span.length, len(shown) - len(before)))
    gutter = f"  {span.line} | "
    return [gutter + shown, " " * (len(gutter) - 2) + "| " + indent + "^" * width]
