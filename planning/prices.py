"""Prices with their sources, and a month of a farm at them.  prices.toml -> [prices] -> capacity_plan

A price file is dated line by line. A part without a price is named, never guessed at."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from planning.small_file import read_small_file
from rulefarm.errors import RulefarmError

#: What ships.
SHIPPED_PRICES = Path(__file__).with_name("prices.toml")
CLOUDS = ("aws", "gcp", "azure")
#: The parts of a farm that cost something.
PARTS = ("node", "control-plane", "load-balancer", "postgres", "postgres-storage", "redis", "egress")
_UNITS = ("hour", "month", "GB-month", "GB")
_KEYS = {"what", "name", "usd", "per", "source"}
#: As clouds count it.
_HOURS = 730.0


class PricesUnreadable(RulefarmError):
    """A file holds no prices."""


@dataclass(frozen=True, slots=True)
class Price:
    """One line of a price file."""

    what: str
    name: str
    usd: float
    per: str
    source: str
    #: Of the source; of one that says nothing, when it was read.
    dated: date
    #: What it buys; 0: that is not the question.
    vcpus: float = 0.0

    def month_usd(self, amount: float) -> float:
        """What so many cost in a month: pieces, vCPUs if it has any, or GB."""
        times = _HOURS if self.per == "hour" else 1.0
        return self.usd * times * amount / (self.vcpus or 1.0)


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """One line of a month's bill."""

    what: str
    #: How much of what.
    amount: str
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A month."""

    lines: tuple[MonthlyCost, ...]
    #: Parts that no price was found for.
    without_price: tuple[str, ...]

    @property
    def usd(self) -> float:
        """All that has a price."""
        return sum(line.usd for line in self.lines)


def read_prices(named: str) -> tuple[Price, ...]:
    """The prices of a cloud, or of a file of one's own: an array of tables `[[price]]`.

    Args:
        named: one of `CLOUDS`, or a path.

    Raises:
        PricesUnreadable: there is no such file, or a line of it is none.
    """
    path, table = (SHIPPED_PRICES, named) if named in CLOUDS else (Path(named), "price")
    try:
        found = tomllib.loads(read_small_file(path))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    lines = found.get(table)
    if not isinstance(lines, list) or not lines:
        raise _unreadable(path, f"it has no [[{table}]]")
    prices = tuple(_price(path, number, line) for number, line in enumerate(lines, start=1))
    if len({price.what for price in prices}) < len(prices):
        raise _unreadable(path, "two lines price the same part")
    return prices


def _price(path: Path, number: int, line: Any) -> Price:
    where = f"line {number}"
    if not isinstance(line, Mapping) or _KEYS - line.keys():
        raise _unreadable(path, f"{where} lacks '{sorted(_KEYS - set(line))[0]}'" if line else f"{where} is empty")
    dated = line.get("dated", line.get("read"))
    usd, vcpus = line["usd"], line.get("vcpus", 0)
    wrong = {
        "what": line["what"] not in PARTS,
        "per": line["per"] not in _UNITS,
        "usd": not _is_price(usd),
        "vcpus": not _is_price(vcpus) or (line["what"] in ("node", "postgres") and not vcpus),
        "dated": not isinstance(dated, date),
        "source": not isinstance(line["source"], str) or not line["source"].strip(),
    }
    if faults := [name for name, is_wrong in wrong.items() if is_wrong]:
        raise _unreadable(path, f"{where} has no usable '{faults[0]}'")
    return Price(line["what"], str(line["name"]), float(usd), line["per"], line["source"], dated, float(vcpus))


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def bill(prices: Sequence[Price], amounts: Mapping[str, tuple[float, str]]) -> Bill:
    """A month's bill.

    Args:
        prices: of a cloud.
        amounts: of each part that is needed, in the units of `Price.month_usd`, and in words.
    """
    known = {price.what: price for price in prices}
    lines = tuple(
        MonthlyCost(what, words, known[what].month_usd(amount))
        for what, (amount, words) in amounts.items()
        if what in known
    )
    return Bill(lines, tuple(what for what in amounts if what not in known))


def _unreadable(path: Path, what: str) -> PricesUnreadable:
    return PricesUnreadable("prices-unreadable", f"{path} holds no prices: {what}", "see planning/prices.toml for one")
