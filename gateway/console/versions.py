"""Rulesets that somebody looks at, compiled.  digest, what is served -> [versions] -> a ruleset, its files as lines

What judges now the gateway has compiled; any other version is compiled when a page is about it, and a few are kept.
Publishes nothing."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Engine

from engine import Piece, PieceKind, TableCells, highlighted, table_cells
from gateway.served_rulesets import ServedRulesets
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulesets.differences import Difference, differences
from rulesets.loader import LoadedRuleset
from rulesets.recorded import load_recorded
from store.ruleset_versions import find_digest, source_of

#: Versions that are kept compiled, and files that are kept as lines.
_KEPT, _FILES = 4, 16
#: Versions that a page offers to choose from.
OFFERED = 100
#: Characters of a file that are shown in colours; beyond, a page would take longer than anybody waits.
COLOURED = 500_000

#: One line of rules: kind and text of its pieces.
Line = tuple[tuple[PieceKind, str], ...]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file of a ruleset, as it is shown."""

    #: As rules name their source.
    source: str
    #: Without its folder.
    name: str
    #: Of rules and of the schema; empty: it is a table.
    lines: tuple[Line, ...]
    #: Of a table: one, or one for each sheet.
    tables: tuple[TableCells, ...]


class RecordedVersions:
    """The versions of one farm.

    Args:
        database: where they are on record.
        served: what is compiled already.
    """

    def __init__(self, database: Engine, served: ServedRulesets) -> None:
        self._database = database
        self._served = served
        self._compiled = lru_cache(_KEPT)(self._compile)
        self._sources = lru_cache(_KEPT)(self._read)
        self._differences = lru_cache(_KEPT)(self._compare)

    def digest(self, domain: str, beginning: str = "") -> str:
        """The digest of a version.

        Args:
            domain: whose.
            beginning: of its digest. Default: that which judges now.

        Raises:
            NotFound: `unknown-domain`: nothing judges it; `no-such-ruleset`: no version, or several, begin so.
            DatabaseUnreachable: no answer.
        """
        if beginning:
            return find_digest(self._database, beginning, domain)[1]
        active = active_digests(self._database)
        if domain not in active:
            raise NotFound(
                "unknown-domain", f"no domain {domain!r} is published", "the page Rules lists those that are"
            )
        return active[domain]

    def ruleset(self, domain: str, digest: str) -> LoadedRuleset:
        """A version, compiled.

        Args:
            domain: whose.
            digest: of it, whole.

        Raises:
            NotFound: it is not on record.
            RulesetUnreadable, engine.EngineError: the engine of today does not take it.
            DatabaseUnreachable: no answer.
        """
        return self.served(domain, digest) or self._compiled(domain, digest)

    def served(self, domain: str, digest: str) -> LoadedRuleset | None:
        """A version, if it is what judges now: then it is compiled.

        Args:
            domain: whose.
            digest: of it, whole.
        """
        served = self._served.by_domain.get(domain)
        return served if served is not None and served.digest == digest else None

    def files(self, domain: str, digest: str) -> dict[str, bytes]:
        """The files of a version by the paths that rules name, in order.

        Args:
            domain: whose.
            digest: of it, whole.

        Raises:
            NotFound: it is not on record.
            DatabaseUnreachable: no answer.
        """
        return self._sources(domain, digest)

    def differences(self, domain: str, before: str, after: str) -> list[Difference]:
        """What one version has otherwise than another.

        Args:
            domain: whose.
            before: digest of one, whole.
            after: that of the other.

        Raises:
            NotFound, RulesetUnreadable, engine.EngineError, DatabaseUnreachable: as `ruleset`.
        """
        return self._differences(domain, before, after)

    def _compare(self, domain: str, before: str, after: str) -> list[Difference]:
        return differences(*(self.ruleset(domain, digest).program for digest in (before, after)))

    def _compile(self, domain: str, digest: str) -> LoadedRuleset:
        return load_recorded(domain, digest, self.files(domain, digest))

    def _read(self, domain: str, digest: str) -> dict[str, bytes]:
        return dict(sorted(source_of(self._database, domain, digest).items()))


@lru_cache(_FILES)
def shown_file(source: str, content: bytes) -> RuleFile:
    """A file as it is shown: rules in lines of coloured pieces, tables in cells.

    Args:
        source: its path, which says what it is.
        content: of the file.
    """
    name = source.rpartition("/")[2]
    if name.lower().endswith((".csv", ".xlsx")):
        return RuleFile(source, name, (), tuple(table_cells(source, content)))
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    is_coloured = name.lower().endswith(".grl") and len(text) <= COLOURED
    return RuleFile(source, name, _lines(text, is_coloured=is_coloured), ())


def _lines(text: str, *, is_coloured: bool) -> tuple[Line, ...]:
    pieces = highlighted(text) if is_coloured else [Piece("other", text)]
    lines: list[list[tuple[PieceKind, str]]] = [[]]
    for kind, written in pieces:
        first, *others = written.split("\n")
        for place, part in enumerate([first, *others]):
            if place:
                lines.append([])
            if part:
                lines[-1].append((kind, part.removesuffix("\r")))
    if not lines[-1] and len(lines) > 1:
        lines.pop()
    return tuple(tuple(line) for line in lines)
