"""The rules of a version with how often they fired, as lines of a list.  rules, firings -> [rule_lines] -> a page

Rows of a table are one line, unless each is asked for. What never fired is what an author looks for: it says so itself.
Asks nothing and renders nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine import Rule
from gateway.console import links
from store.rule_firings import DomainFirings

#: The highest number of a sparkline: it tells of ups and downs, and the same ups and downs are the same picture.
_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule, one row of a table, or a table. What only a line that is shown needs is made when it is asked for."""

    name: str
    #: Itself, or the first row of the table.
    rule: Rule
    domain: str
    #: Of the version.
    digest: str
    #: Rows of the table that it is; 0: it is none.
    rows: int
    #: Rules in it that never fired, of how many.
    never: int
    rules: int
    #: How many times it fired; None: nobody has counted yet.
    fired: int | None
    #: Likewise on each day, the oldest first; empty: it did not.
    by_day: Sequence[int]
    last: datetime | None

    @property
    def description(self) -> str:
        """What its author says of it; empty of a table."""
        return "" if self.rows else self.rule.description or ""

    @property
    def place(self) -> str:
        """File and line."""
        span = self.rule.span
        return f"{span.source.rpartition('/')[2]}:{span.line}" if span else ""

    @property
    def text_link(self) -> str:
        """Where its text is shown; empty: it does not say where it stands."""
        return text_link(self.domain, self.digest, self.rule)

    @property
    def link(self) -> str:
        """Where it is told of; empty: a table is told of row by row."""
        query = {"name": self.name, "version": self.digest}
        return "" if self.rows else links.path("rules", self.domain, "rule", query=query)

    @property
    def picture(self) -> str:
        """Address of a picture of the days; empty: there is nothing to see."""
        numbers = sparkline_numbers(self.by_day)
        return links.path("pictures", "sparkline", numbers) if numbers else ""

    @property
    def alt(self) -> str:
        """What the picture shows."""
        return f"fired a day, the oldest first: {' '.join(map(str, self.by_day))}"

    @property
    def is_never(self) -> bool:
        """Whether nothing of it ever fired."""
        return self.never == self.rules

    def has(self, wanted: str) -> bool:
        """Whether a text stands in its name, description or place, in any case."""
        return any(wanted in text.casefold() for text in (self.name, self.description, self.place))


def rule_lines(
    rules: Sequence[Rule], firings: DomainFirings | None, *, domain: str, digest: str, by_rows: bool
) -> list[RuleLine]:
    """The rules of a version, those that fired most first.

    Args:
        rules: in the order of their sources.
        firings: of the domain; None: nobody has counted yet.
        domain: whose.
        digest: of the version.
        by_rows: whether each row of a table is a line.
    """
    groups: dict[tuple[str, bool], list[Rule]] = {}
    for rule in rules:
        is_row = rule.once and not by_rows
        groups.setdefault((rule.name.partition("#")[0] if is_row else rule.name, is_row), []).append(rule)
    lines = [
        _line(name, group, firings, domain, digest, is_table=is_table) for (name, is_table), group in groups.items()
    ]
    return sorted(lines, key=lambda line: -(line.fired or 0))


def sparkline_numbers(by_day: Sequence[int]) -> str:
    """Numbers a day as a sparkline's address has them: of 100, and what is not 0 is at least 1.

    >>> sparkline_numbers((0, 1, 500, 1000)), sparkline_numbers((0, 0))
    ('0-1-50-100', '')
    """
    most = max(by_day, default=0)
    return "-".join(str(-(-number * _HEIGHT // most)) for number in by_day) if most else ""


def text_link(domain: str, digest: str, rule: Rule) -> str:
    """Where the text of a rule is shown, with what stands around it.

    Args:
        domain: whose.
        digest: of the version.
        rule: one of its rules.
    """
    if rule.span is None:
        return ""
    query = {"file": rule.span.source, "line": rule.span.line}
    return f"{links.path('rules', domain, 'versions', digest, query=query)}#L{rule.span.line}"


def _line(
    name: str, group: Sequence[Rule], firings: DomainFirings | None, domain: str, digest: str, *, is_table: bool
) -> RuleLine:
    found = [firings.rules[rule.name] for rule in group if rule.name in firings.rules] if firings else []
    by_day = found[0].by_day if len(found) == 1 else tuple(map(sum, zip(*(one.by_day for one in found), strict=True)))
    return RuleLine(
        name=name,
        rule=group[0],
        domain=domain,
        digest=digest,
        rows=len(group) if is_table else 0,
        never=len(group) - len(found) if firings else 0,
        rules=len(group),
        fired=sum(by_day) if firings else None,
        by_day=by_day,
        last=max((one.last for one in found), default=None),
    )
