"""What a good programmer would write by hand.  workload -> [baselines] -> timing

(a) one Python function with all conditions in it; (b) one for each category, fields in locals; (c) NumPy masks over
whole columns; (d) the same on the rows of one category. (a) and (b) take a product, (c) and (d) take a frame, whose
text columns they code first, as the engine has to. All give the names of the rules that hold, in the rules' order."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from bench.generated import made
from bench.workload import NUMBERS, Product, Spec

ByProduct = Callable[[Product], list[str]]
ByFrame = Callable[[pl.DataFrame], list[list[str]]]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_TESTS: dict[str, Callable[[Floats, float], Mask]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def inlined(rules: Sequence[Spec]) -> ByProduct:
    """(a): one function that tests every condition in turn."""
    lines = ["def judge(p):", "    hits = []"]
    for rule in rules:
        tests = [f"p['category'] == {rule.category!r}", *_tests(rule, "p[{!r}]".format)]
        lines.append(f"    if {' and '.join(tests)}: hits.append({rule.name!r})")
    lines.append("    return hits")
    judge: ByProduct = made("judge", lines)
    return judge


def specialised(rules: Sequence[Spec]) -> ByProduct:
    """(b): one function for each category, which has the fields in locals."""
    lines = []
    names = {}
    for number, (category, own) in enumerate(by_category(rules).items()):
        names[category] = f"judge{number}"
        lines += [f"def judge{number}(p):", "    hits = []"]
        lines += [f"    {field} = p[{field!r}]" for field in ("brand", *NUMBERS)]
        for rule in own:
            lines.append(f"    if {' and '.join(_tests(rule, '{}'.format))}: hits.append({rule.name!r})")
        lines.append("    return hits")
    lines.append("judges = {" + ", ".join(f"{category!r}: {name}" for category, name in names.items()) + "}")
    lines += ["def judge(p):", "    own = judges.get(p['category'])", "    return own(p) if own is not None else []"]
    judge: ByProduct = made("judge", lines)
    return judge


def by_category(rules: Iterable[Spec]) -> dict[str, list[Spec]]:
    """The rules of each category, in order."""
    groups: dict[str, list[Spec]] = {}
    for rule in rules:
        groups.setdefault(rule.category, []).append(rule)
    return groups


def _tests(rule: Spec, field: Callable[[str], str]) -> list[str]:
    """All tests of a rule but that of the category, as Python."""
    brands = [f"{field('brand')} in {{{', '.join(map(repr, rule.brands))}}}"] if rule.brands else []
    bounds = [f"{field(name)} {operator} {bound!r}" for name, operator, bound in rule.bounds]
    ratio = [] if rule.factor is None else [f"{field('price')} < {field('cost')} * {rule.factor!r}"]
    return [*brands, *bounds, *ratio]


class Masks:
    """(c): for each rule a mask over all rows."""

    def __init__(self, rules: Sequence[Spec]) -> None:
        self._names = [rule.name for rule in rules]
        self._codes = {field: _codes(rules, field) for field in ("category", "brand")}
        self._rules = [(self._codes["category"][rule.category], *self._ready(rule)) for rule in rules]

    def _ready(self, rule: Spec) -> tuple[Mask | None, list[tuple[str, Any, float]], float | None]:
        """What the rule compares: the brands as a table over the codes, the bounds as NumPy functions."""
        brands = None
        if rule.brands:
            brands = np.zeros(len(self._codes["brand"]) + 1, np.bool_)
            brands[[self._codes["brand"][brand] for brand in rule.brands]] = True
        return brands, [(field, _TESTS[operator], bound) for field, operator, bound in rule.bounds], rule.factor

    def __call__(self, frame: pl.DataFrame) -> list[list[str]]:
        category, brand, numbers = self._columns(frame)
        found: list[tuple[int, Codes]] = []
        for number, (code, brands, bounds, factor) in enumerate(self._rules):
            alive = category == code
            _narrow(alive, brand, numbers, brands, bounds, factor)
            rows = np.flatnonzero(alive)
            if len(rows):
                found.append((number, rows))
        return self._by_row(found, len(frame))

    def _columns(self, frame: pl.DataFrame) -> tuple[Codes, Codes, dict[str, Floats]]:
        category, brand = (_coded(frame[field], codes) for field, codes in self._codes.items())
        return category, brand, {field: frame[field].to_numpy() for field in NUMBERS}

    def _by_row(self, found: list[tuple[int, Codes]], rows: int) -> list[list[str]]:
        hits: list[list[str]] = [[] for _ in range(rows)]
        for number, places in found:
            name = self._names[number]
            for place in places.tolist():
                hits[place].append(name)
        return hits


class GroupedMasks(Masks):
    """(d): the rows sorted by category, and for each rule a mask over the rows of its category."""

    def __init__(self, rules: Sequence[Spec]) -> None:
        super().__init__(rules)
        self._groups: dict[int, list[int]] = {}
        for number, rule in enumerate(rules):
            self._groups.setdefault(self._codes["category"][rule.category], []).append(number)

    def __call__(self, frame: pl.DataFrame) -> list[list[str]]:
        category, brand, numbers = self._columns(frame)
        order = np.argsort(category, kind="stable")
        edges = np.searchsorted(category[order], np.arange(len(self._codes["category"]) + 1))
        brand = brand[order]
        numbers = {field: column[order] for field, column in numbers.items()}
        found = []
        for code, rules in self._groups.items():
            start, end = edges[code], edges[code + 1]
            if start == end:
                continue
            own_brand = brand[start:end]
            own = {field: column[start:end] for field, column in numbers.items()}
            for number in rules:
                _, brands, bounds, factor = self._rules[number]
                alive = np.ones(end - start, np.bool_)
                _narrow(alive, own_brand, own, brands, bounds, factor)
                rows = np.flatnonzero(alive)
                if len(rows):
                    found.append((number, order[start + rows]))
        return self._by_row(found, len(frame))


def _narrow(
    alive: Mask,
    brand: Codes,
    numbers: dict[str, Floats],
    brands: Mask | None,
    bounds: list[tuple[str, Any, float]],
    factor: float | None,
) -> None:
    for field, test, bound in bounds:
        alive &= test(numbers[field], bound)
    if brands is not None:
        alive &= brands[brand]
    if factor is not None:
        alive &= numbers["price"] < numbers["cost"] * factor


def _codes(rules: Sequence[Spec], field: str) -> dict[str, int]:
    values = {value for rule in rules for value in ([rule.category] if field == "category" else rule.brands)}
    return {value: code for code, value in enumerate(sorted(values))}


def _coded(column: pl.Series, codes: dict[str, int]) -> Codes:
    """The code of each text; that of a text no rule names is the first one that is free."""
    physical = column.cast(pl.Enum(list(codes)), strict=False).to_physical()
    return physical.cast(pl.Int64).fill_null(len(codes)).to_numpy()
