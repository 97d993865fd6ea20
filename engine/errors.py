"""The errors of the engine, and the diagnostics they carry.  any step of the engine -> [errors] -> caller, CLI, verdict

EngineError
├── SchemaRejected     a domain.toml is not one; says every problem
├── RulesetRejected    a ruleset can't be loaded; says every problem of every file
└── FactsRejected      facts break the schema, so that no rule may be asked about them

Each has a stable `code`, pickles whole and turns into plain JSON. Text here is plain: colours are the CLI's."""

import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.nodes import Span

Severity = typing.Literal["error", "warning"]

#: A source line longer than this is shown as the window around its caret.
MAX_SHOWN_COLUMNS = 120


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem at one place."""

    #: Stable, kebab-case, listed in docs/diagnostics.md.
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


class EngineError(Exception):
    """Base of every error that the engine raises on purpose.

    Args:
        code: stable, kebab-case; programs branch on it.
        message: what is wrong, and where.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        """The error as plain data."""
        return {"code": self.code, "message": self.message}


class _Rejected(EngineError):
    """What is refused for reasons that have places."""

    _code = ""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self._code, "\n".join(str(diagnostic) for diagnostic in self.diagnostics))
        # Pickle calls the class with `args`, so they have to be what the class takes.
        self.args = (self.diagnostics,)

    def to_json(self) -> dict[str, Any]:
        """The error as plain data, each diagnostic by itself."""
        return {"code": self.code, "diagnostics": [diagnostic.to_json() for diagnostic in self.diagnostics]}


class SchemaRejected(_Rejected):
    """A domain.toml that is not one. `diagnostics` says every problem."""

    _code = "schema-rejected"


class RulesetRejected(_Rejected):
    """A ruleset that can't be loaded. `diagnostics` says every problem of every file, warnings too."""

    _code = "ruleset-rejected"


class FactsRejected(EngineError):
    """Facts that break the schema.

    Args:
        problems: one sentence per field, naming it.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("facts-rejected", "; ".join(self.problems))
        self.args = (self.problems,)

    def to_json(self) -> dict[str, Any]:
        """The error as plain data, each problem by itself."""
        return {"code": self.code, "problems": list(self.problems)}
