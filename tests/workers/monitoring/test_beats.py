"""Two beats are seen, and one that was started again is not taken for a second one."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, text

from rulefarm.settings import Settings
from store.beats import beats_at_once, note_beat
from store.pending_work import record_run
from tests.commands import rulefarm
from tests.processes import until
from workers.monitoring.row_checks import check_beats


def test_two_beats_are_named_until_one_is_stopped(
    running_farm: Settings, farm_database: Engine, tmp_path: Path
) -> None:
    with rulefarm(replace(running_farm, home=tmp_path), "beat"):
        names = until(lambda: beats_at_once(farm_database, 60))
        check = check_beats(farm_database, running_farm)
    assert (len(names), check.status) == (2, "warn")
    assert all(name in check.message for name in names)
    until(lambda: not beats_at_once(farm_database, 3))


def test_a_beat_that_is_started_again_is_no_second_one(database: Engine) -> None:
    record_run(database, sent=0, broker_lost=False)
    for name in ("before", "before", "after", "after"):
        note_beat(database, name)
    assert beats_at_once(database, 60) == []
    for odd in ("", "x" * 101, "a\nb", 7, None):
        note_beat(database, odd)
    note_beat(database, "before")
    assert beats_at_once(database, 60) == ["after", "before"]
    # However many somebody makes up.
    for number in range(30):
        note_beat(database, f"b{number}")
    with database.connect() as connection:
        assert len(connection.execute(text("select beats from reconciler")).scalar_one()) == 21
