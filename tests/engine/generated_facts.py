"""Facts and frames made up from a seed, as producers would send them, for the rules of `generated_rules`."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from tests.engine.pools import (
    CLOCK_TEXTS,
    DAYS,
    DURATION_TEXTS,
    DURATIONS,
    EDGES,
    FIELDS,
    LONGEST,
    MOMENTS,
    NUMBERS,
    NUMERIC,
    TEXTS,
    TIMES,
)


class Sender:
    """Makes facts, as producers would send them."""

    def __init__(self, random_: random.Random, typed: bool) -> None:
        self.random = random_
        self.pick = random_.choice
        #: Whether every field has the kind that its name stands for.
        self.typed = typed

    def number(self) -> Any:
        written = self.pick(EDGES if self.random.randrange(25) == 0 else NUMBERS)
        match self.random.randrange(7):
            case 0:
                return Decimal(written)
            case 6:
                # A sum of floats: of 16 or 17 digits, most times.
                return float(written) + self.pick([0.1, 0.2, 0.7, 1.1])
            case 1:
                return self.random.randrange(-3, 12)
            case 2:
                return round(self.random.uniform(0, 12), 2)
        return float(written)

    def any(self, nested: bool = True) -> Any:
        match self.random.randrange(11 if nested else 8):
            case 0:
                return None
            case 1:
                return self.pick([True, False])
            case 2 | 3:
                return self.pick(TEXTS)
            case 4:
                return self.pick(DAYS)
            case 10:
                return self.pick([*TIMES, *DURATIONS, *LONGEST])
            case 8:
                return [self.any(False) for _ in range(self.random.randrange(4))]
            case 9:
                return {name: self.any(False) for name in ("y", "e\u0301", "é") if self.random.randrange(3)}
        return self.number()

    def time(self) -> Any:
        """A time of day, or a text of one; hardly ever what is none."""
        if self.random.randrange(200) == 0:
            return self.pick([*TEXTS, "24:00", "9:30", 7, timedelta(0)])
        return self.pick(CLOCK_TEXTS if self.random.randrange(3) == 0 else TIMES)

    def duration(self) -> Any:
        if self.random.randrange(200) == 0:
            return self.pick([*TEXTS, "P1M", "PT", 7, LONGEST[0] * 2, TIMES[0]])
        if self.random.randrange(20) == 0:
            return self.pick(LONGEST)
        return self.pick(DURATION_TEXTS if self.random.randrange(3) == 0 else DURATIONS)

    def field(self, name: str) -> Any:
        if self.random.randrange(8) == 0:
            return None if self.typed else self.any()
        match name:
            case "t" | "u" if self.typed and self.random.randrange(12) == 0:
                return self.pick([0, 7, -12, 3.0])
            case "t" | "u":
                return self.pick(TEXTS)
            case "f":
                return self.pick([True, False])
            case "d":
                return self.pick(DAYS)
            case "at":
                return self.time()
            case "took":
                return self.duration()
            case "tags":
                return [self.any(False) for _ in range(self.random.randrange(4))]
            case "x":
                return {self.pick(["y", "y", "é", "e\u0301"]): self.any(False)}
        return self.number()

    def fields(self, names: list[str]) -> dict[str, Any]:
        return {name: self.field(name) for name in names if self.random.randrange(8)}

    def facts(self) -> dict[str, Any]:
        product = self.fields(FIELDS)
        if self.random.randrange(40) == 0:
            bad = [float("nan"), float("inf"), 0.1234567890123456, 10**15 + 1, 10**301, 1e-300]
            product[self.pick(NUMERIC if self.typed else FIELDS)] = self.pick(bad)
        lines: list[Any] = [
            self.fields(["n", "m", "t", "f", "x", "d", "at", "took"]) for _ in range(self.random.randrange(6))
        ]
        if not self.typed and self.random.randrange(20) == 0:
            # What is no line stands among the lines.
            lines.insert(self.random.randrange(len(lines) + 1), self.any(False))
        match self.random.randrange(20):
            case 0 if not self.typed:
                return {"P": product}
            case 1 if not self.typed:
                return {"P": product, "L": lines[0] if lines else None}
            case 2 if not self.typed:
                return {"L": lines}
            case 3 | 4 | 5:
                return {"P": product, "L": lines, "Q": {"n": self.number()}}
        return {"P": product, "L": lines}


def facts_from(seed: int, count: int, typed: bool = False) -> list[dict[str, Any]]:
    """So many facts for any of the rulesets; typed ones fit a schema, but for numbers that nobody takes."""
    sender = Sender(random.Random(seed), typed)
    return [sender.facts() for _ in range(count)]


def frame_from(seed: int, rows: int, typed: bool) -> pl.DataFrame:
    """A frame of `P`: columns of the kind that a schema wants, or, when not typed, now and then of another."""
    sender = Sender(random.Random(seed), typed)
    chance = sender.random
    makers: dict[str, Any] = {
        "number": lambda: float(sender.number()),
        "text": lambda: sender.pick([text for text in TEXTS if text.isprintable()]),
        "boolean": lambda: sender.pick([True, False]),
        "date": lambda: sender.pick(MOMENTS),
        "day": lambda: sender.pick([one for one in DAYS if not isinstance(one, datetime)]),
        "clock": lambda: sender.pick(MOMENTS).replace(tzinfo=None),
        "time": lambda: sender.pick(TIMES),
        "duration": lambda: sender.pick([*DURATIONS, *DURATIONS, *LONGEST]),
        "date text": lambda: (
            sender.pick([*MOMENTS, *MOMENTS, *DAYS]).isoformat() if chance.randrange(60) else "2026-13-01"
        ),
        "time text": lambda: sender.pick([*CLOCK_TEXTS, *CLOCK_TEXTS, "24:00"]),
        "duration text": lambda: sender.pick([*DURATION_TEXTS, *DURATION_TEXTS, "P1M"]),
    }
    dtypes = {"number": pl.Float64, "text": pl.String, "boolean": pl.Boolean, "date": pl.Datetime("us", "UTC")}
    dtypes |= {"day": pl.Date, "clock": pl.Datetime("us"), "time": pl.Time, "duration": pl.Duration("us")}
    dtypes |= {"date text": pl.String, "time text": pl.String, "duration text": pl.String}
    kinds = {"t": "text", "u": "text", "f": "boolean", "d": "date", "at": "time", "took": "duration"}
    columns = []
    for name in FIELDS:
        if chance.randrange(12) == 0:
            continue
        if name in ("tags", "x"):
            columns.append(nested(name, sender, rows))
            continue
        kind = kinds.get(name, "number")
        if not typed and chance.randrange(8) == 0:
            kind = sender.pick(list(makers))
        if kind == "date":
            kind = sender.pick(["date", "day", "clock", "date text"])
        if kind in ("time", "duration") and chance.randrange(3) == 0:
            kind += " text"
        nulls = sender.pick([0, 4, 4, 20])
        values = [None if nulls and chance.randrange(nulls) == 0 else makers[kind]() for _ in range(rows)]
        if kind == "number" and chance.randrange(4) == 0:
            values = [None if value is None else int(max(-1e16, min(value, 1e16))) for value in values]
            columns.append(pl.Series(name, values, pl.Int64))
            continue
        if kind == "number" and chance.randrange(8) == 0:
            columns.append(pl.Series(name, values, pl.Float32))
            continue
        if typed and kind == "text" and chance.randrange(6) == 0:
            whole = [None if value is None else chance.choice([0, 7, -12]) for value in values]
            columns.append(
                pl.Series(name, whole, sender.pick([pl.Int64, pl.UInt8, pl.Float64, pl.Float32]), strict=False)
            )
            continue
        if kind == "number" and chance.randrange(6) == 0:
            bad = sender.pick([float("nan"), float("inf"), 0.1234567890123456, 1e301, 1e-300])
            values[chance.randrange(rows)] = bad
        columns.append(pl.Series(name, values, dtypes[kind]))
    return pl.DataFrame(columns) if columns else pl.DataFrame({"n": [1.0] * rows})


def nested(name: str, sender: Sender, rows: int) -> pl.Series:
    """A column of lists (`tags`) or of objects (`x`), of numbers or of texts."""
    numbers = sender.random.randrange(2) == 0

    def item() -> Any:
        if sender.random.randrange(5) == 0:
            return None
        return float(sender.number()) if numbers else sender.pick(["", "a", "b", "ab"])

    def whole() -> Any:
        if sender.random.randrange(8) == 0:
            return None
        return [item() for _ in range(sender.random.randrange(4))] if name == "tags" else {"y": item()}

    inner = pl.Float64() if numbers else pl.String()
    return pl.Series(
        name, [whole() for _ in range(rows)], pl.List(inner) if name == "tags" else pl.Struct({"y": inner})
    )
