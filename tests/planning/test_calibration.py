"""A calibration comes back from its file as it was; what is none is refused by name."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from planning.calibration import Calibration, CalibrationUnreadable, read_calibration
from planning.small_file import MAX_CHARACTERS


def test_it_comes_back_as_it_was(costs: Calibration, tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text(costs.to_text())
    assert read_calibration(tmp_path / "costs.json") == costs


def test_the_one_that_ships_is_one() -> None:
    assert read_calibration(Path(__file__).parents[2] / "examples" / "calibration.json").cores > 0


def test_one_of_before_messages_were_measured_by_themselves_is_read(costs: Calibration, tmp_path: Path) -> None:
    path, kept = tmp_path / "costs.json", asdict(costs)
    path.write_text(json.dumps({name: value for name, value in kept.items() if not name.startswith("message_d")}))
    assert read_calibration(path) == replace(costs, message_database_s=0.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"job_s": -0.1}, "'job_s'"),
        ({"job_s": "fast"}, "'job_s'"),
        ({"job_s": True}, "'job_s'"),
        ({"job_s": float("nan")}, "'job_s'"),
        ({"cores": 0}, "'cores'"),
        ({"busy_cores": 0.0}, "'busy_cores'"),
        ({"waits_s": []}, "'waits_s'"),
        ({"waits_s": [0.1, None]}, "'waits_s'"),
        ({"machine": 7}, "'machine'"),
        ({"more": 1}, "'more' is not of one"),
    ],
)
def test_a_wrong_value_is_named(costs: Calibration, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(asdict(costs) | change))
    with pytest.raises(CalibrationUnreadable, match=said) as refused:
        read_calibration(path)
    assert refused.value.code == "calibration-unreadable"


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "\x00", "[" * 100_000, "9" * 5_000])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "other").write_text(content)
    with pytest.raises(CalibrationUnreadable):
        read_calibration(tmp_path / "other")
    with pytest.raises(CalibrationUnreadable):
        read_calibration(tmp_path / "missing")


def test_no_more_is_read_than_a_calibration_can_have(costs: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    path.write_text(costs.to_text() + " " * MAX_CHARACTERS)
    with pytest.raises(CalibrationUnreadable, match=f"more than {MAX_CHARACTERS} characters"):
        read_calibration(path)


def test_rules_cost_what_each_of_them_costs(costs: Calibration) -> None:
    assert costs.record_cost_s(1_000) == pytest.approx(0.0002)
    assert costs.record_cost_s(2_000) - costs.record_cost_s(1_000) == pytest.approx(0.0001)
