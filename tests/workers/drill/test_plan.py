"""A seed fixes a drill; names choose its faults."""

import pytest

from rulefarm.errors import SettingsError
from workers.drill.faults import FAULTS, select_faults
from workers.drill.plan import LONG, Options, farm_settings, make_plan
from workers.drill.poison import codes
from workers.drill.subjects import batch_rows, job

ALL = tuple(FAULTS)


def test_a_seed_gives_the_same_plan_always_and_another_seed_another_one() -> None:
    plans = [make_plan(Options(jobs=LONG, faults=ALL, seed=seed), FAULTS) for seed in (7, 7, 8)]
    assert plans[0] == plans[1]
    assert [planned.fault for planned in plans[0].schedule] != [planned.fault for planned in plans[2].schedule]


@pytest.mark.parametrize(("jobs", "times"), [(1, 1), (LONG, 2)])
def test_every_fault_comes(jobs: int, times: int) -> None:
    plan = make_plan(Options(jobs=jobs, faults=ALL), FAULTS)
    named = [planned.fault for planned in plan.schedule]
    assert {name: named.count(name) for name in ALL} == {name: 1 if name == "poison" else times for name in ALL}
    assert sum(count for name, count, _ in plan.producers if name != "outbox") == jobs
    assert all(planned.after_s > 0 for planned in plan.schedule)


def test_without_poison_no_row_is_poison() -> None:
    assert {
        row for _, poison in make_plan(Options(faults=("child",)), FAULTS).batches for row in poison.items()
    } == set()
    rows, poison = make_plan(Options(faults=("poison",)), FAULTS).batches[0]
    assert all(codes(key) and 0 <= row < rows for row, key in poison.items())
    assert [row["product_id"] for row in batch_rows(7, 0, rows, poison) if codes(row["product_id"])] == [
        poison[row] for row in sorted(poison)
    ]


def test_subjects_follow_from_the_seed() -> None:
    assert job(7, "one-000001", 1) == job(7, "one-000001", 1)
    assert job(7, "one-000001", 1) != job(8, "one-000001", 1)


def test_the_limits_fit_each_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    for jobs in (1, LONG):
        settings = farm_settings(make_plan(Options(jobs=jobs), FAULTS), tmp_path_factory.mktemp("home"))
        assert settings.visibility_timeout_s > max(settings.chunk_time_limit_s, settings.job_time_limit_s) + 5


def test_names_choose_faults() -> None:
    assert select_faults("all") == list(FAULTS)
    assert select_faults("beat, child,beat") == ["beat", "child"]
    with pytest.raises(SettingsError, match="no fault 'bear'") as caught:
        select_faults("child,bear")
    assert "beat" in caught.value.hint
