"""What a producer has recorded is read as far as it is whole."""

from pathlib import Path

from workers.drill.producers import Accepted, ProducerSpec, read_record

WHOLE = '{"n": 0, "id": "a", "key": "one-000000", "at": 1.5}\n'


def test_a_torn_line_was_not_accepted(tmp_path: Path) -> None:
    path = tmp_path / "one.accepted"
    path.write_text(WHOLE + WHOLE.replace("0,", "1,", 1)[:-8])
    assert list(read_record(path)) == [Accepted(0, "a", "one-000000", 1.5)]


def test_what_follows_a_torn_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.accepted"
    path.write_text(WHOLE[:20] + "\n" + WHOLE)
    assert [line.n for line in read_record(path)] == [0]


def test_a_producer_that_never_started_has_no_record(tmp_path: Path) -> None:
    assert list(read_record(tmp_path / "one.accepted")) == []


def test_keys_are_numbered_or_given() -> None:
    assert ProducerSpec(name="one", seed=7, count=9, begin_s=0, rate=1).key(3) == "one-000003"
    assert ProducerSpec(name="slow", seed=7, count=2, begin_s=0, rate=1, keys=("a", "b")).key(1) == "b"
