"""Comparisons of numbers are settled for many rows at once, and never otherwise than one by one."""

import random
from typing import Any

import numpy as np
import pytest

from engine.compiler import compile_rules
from engine.evaluation import FloatFilter
from engine.matching import Residual
from engine.ruleset import read_sources
from tests.engine.pools import AS_OF

#: Of three numbers; what is written first is a check that mostly holds.
CONDITIONS = [
    "P.a == P.b + P.c",
    "!(P.a == P.b + P.c)",
    "P.a != P.b - P.c",
    "P.a >= P.b - P.c",
    "P.a > P.b - P.c",
    "P.a <= 2 * P.b + P.c * 3 - 0.5",
    "P.a < -P.b + 12.5",
    "Abs(P.a - P.b) <= 0.01",
    "P.a * 1.5 >= P.b",
    "P.a == P.b * P.c",
    "P.a == P.b / P.c",
    "P.a == P.b + 0.00001",
]


def residual_of(condition: str) -> tuple[Residual, Any]:
    """The test that no table answers, and what fills its slots."""
    ruleset = read_sources({"a.grl": f'rule A {{ when {condition} then Review("a"); }}'}, None)
    compiled = compile_rules(ruleset.rules, None, 10)
    [residual] = [one for entry in compiled.entries for one in entry.residuals]
    return residual, compiled.reader


def numbers(rng: random.Random, decimals: int) -> list[float]:
    """Three numbers that nearly add up."""
    b, c = (round(rng.uniform(-50, 50), decimals) for _ in range(2))
    sums = [b + c, b - c, 2 * b + 3 * c - 0.5, -b + 12.5, b + 0.01, b * c]
    a = rng.choice(sums) + rng.choice([0.0, 0.0, 0.0, 10.0**-decimals, -(10.0**-decimals)])
    return [float(f"{value:.12g}") for value in (a, b, c)]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_rows_together_get_what_each_gets_by_itself(condition: str) -> None:
    residual, reader = residual_of(condition)
    assert residual.linear is not None
    rng = random.Random(condition)
    rows = [numbers(rng, rng.choice([0, 1, 2, 4, 6])) for _ in range(400)] + [[1e11, 1e11, 0.0], [0.0, 0.0, -0.0]]
    slots = [reader.read({"P": dict(zip("abc", row, strict=True))}, AS_OF) for row in rows]
    filter_ = FloatFilter(residual.linear)
    passed, unsure = filter_.settle([np.array([one[slot] for one in slots]) for slot in filter_.slots])
    wanted = np.array([residual.test(one) for one in slots])
    assert np.array_equal(passed[~unsure], wanted[~unsure])
    assert not passed[unsure].any()
    assert np.count_nonzero(~unsure) / len(rows) > 0.2


@pytest.mark.parametrize("condition", CONDITIONS[:8])
@pytest.mark.parametrize("decimals", [0, 2, 4])
def test_sums_of_amounts_are_settled_when_both_sides_are_equal(condition: str, decimals: int) -> None:
    residual, _ = residual_of(condition)
    assert residual.linear is not None
    filter_ = FloatFilter(residual.linear)
    rng = random.Random(decimals)
    columns = np.array([numbers(rng, decimals) for _ in range(200)]).T
    passed, unsure = filter_.settle(list(columns[: len(filter_.slots)]))
    assert not unsure.any()
    assert np.count_nonzero(passed) > 0


@pytest.mark.parametrize(
    ("op", "holds"),
    [
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        ("==", [False, True, False]),
        ("!=", [True, False, True]),
    ],
)
def test_two_fields_are_compared_as_they_are_however_close_or_small(op: str, holds: list[bool]) -> None:
    residual, _ = residual_of(f"P.a {op} P.b")
    assert residual.linear is not None
    for one in (0.3, 1e-280, 7e250):
        passed, unsure = FloatFilter(residual.linear).settle(
            [np.array([one, one, np.nextafter(one, np.inf)]), np.array([np.nextafter(one, np.inf), one, one])]
        )
        assert passed.tolist() == holds
        assert not unsure.any()
