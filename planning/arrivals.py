"""When orders come: a daily curve, a burst, chance.  orders a day -> [arrivals] -> simulation

Everything follows from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

#: Orders of each hour, as parts of an even hour: a shop's day, by its own clock.
DAY = (
    *(0.35, 0.25, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.1, 1.3, 1.4, 1.5),
    *(1.5, 1.4, 1.3, 1.3, 1.4, 1.5, 1.7, 1.9, 1.8, 1.5, 1.0, 0.6),
)


@dataclass(frozen=True, slots=True)
class Burst:
    """Many orders at once: a campaign begins."""

    #: How many times as many as else.
    factor: float = 5.0
    #: Seconds that it lasts.
    length_s: float = 60.0


def peak_rate(orders_per_day: float) -> float:
    """Orders a second in the busiest hour, without a burst."""
    return orders_per_day / 86_400 * max(DAY) / (sum(DAY) / len(DAY))


def arrivals(rate: float, length_s: float, burst: Burst | None, chance: random.Random) -> Iterator[float]:
    """The seconds at which orders come, in order: independent of each other, as customers are.

    Args:
        rate: orders a second outside of the burst.
        length_s: until when.
        burst: in the middle of it; None: none.
        chance: the dice.
    """
    begin = (length_s - burst.length_s) / 2 if burst else length_s
    end = begin + burst.length_s if burst else length_s
    most = rate * (burst.factor if burst else 1.0)
    at = 0.0
    while most > 0 and (at := at + chance.expovariate(most)) < length_s:
        # Of the fastest stream that there is, as many are kept as belong there.
        if begin <= at < end or chance.random() < rate / most:
            yield at
