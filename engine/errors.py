"""The errors of the engine, and the diagnostics they carry.  diagnostics -> [errors] -> every room of the engine

EngineError
├── SchemaRejected     a domain.toml is not one; says every problem
├── RulesetRejected    a ruleset can't be loaded; says every problem of every file
└── FactsRejected      facts break the schema, so that no rule may be asked about them

Each has a stable `code`, pickles whole and turns into plain JSON. Text here is plain: colours are the CLI's."""

from collections.abc import Iterable
from typing import Any

from engine.diagnostics import Diagnostic


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
