"""Small sources as they were met, each judged as it stands: the cases are data, in cases/sources.toml."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rulefarm.batch import SourceOptions, open_source
from rulefarm.batch.columns import compare_columns, own_columns
from rulefarm.errors import SourceRejected
from rulesets.source_fields import source_fields
from tasks.replay import DocumentFacts, Replayed, replay
from tasks.replay_rows import open_replay
from tests.shipped import shipped
from tests.tasks.judging import AS_OF, SHOP, answers, judge_frames

FOLDER = Path(__file__).parent / "cases"
CASES: list[dict[str, Any]] = tomllib.loads((FOLDER / "sources.toml").read_text("utf-8"))["case"]
RIGHT = {"answers", "outcomes", "refused"}


@pytest.mark.parametrize("rows", [1, 1000])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_source_is_judged_as_it_stands(case: dict[str, Any], rows: int) -> None:
    assert len(case.keys() & RIGHT) == 1
    loaded = shipped()[case["domain"]] if "domain" in case else SHOP
    source = open_source(FOLDER / "sources" / case["file"], SourceOptions(**case.get("options", {})), rows=rows)
    if "refused" in case:
        code, said = case["refused"]
        with pytest.raises(SourceRejected) as caught:
            list(source.portions)
        assert caught.value.code == code
        assert said in caught.value.message
        return
    verdicts = judge_frames(loaded, source.form, list(source.portions), rows)
    if "outcomes" in case:
        assert Counter(verdict.outcome for verdict in verdicts) == case["outcomes"]
    else:
        assert answers(verdicts) == [(subject, outcome, reasons) for subject, outcome, reasons in case["answers"]]
    assert source.progress.read == len(verdicts)
    assert source.progress.remarks == case.get("remarks", [])
    if "columns" in case:
        fields = source_fields(loaded)
        assert compare_columns(own_columns(source.progress.columns, fields), fields).sentences() == case["columns"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_replay_says_what_a_batch_says(case: dict[str, Any]) -> None:
    loaded = shipped()[case["domain"]] if "domain" in case else SHOP
    file = FOLDER / "sources" / case["file"]

    def replayed() -> list[Replayed]:
        rows = open_replay(str(file), SourceOptions(**case.get("options", {})), loaded).rows
        return list(replay(loaded, rows, reference=DocumentFacts({}), as_of=AS_OF, clock=AS_OF.timestamp))

    if "refused" not in case:
        source = open_source(file, SourceOptions(**case.get("options", {})), rows=1000)
        verdicts = judge_frames(loaded, source.form, list(source.portions), 1000)
        told = [(one.subject, {**one.evaluation.to_json(), "micros": 0}) for one in replayed()]
        judged = [(one.subject, {**one.to_json(), "micros": 0}) for one in verdicts]
        assert told == [(subject, {name: answer[name] for name in told[0][1]}) for subject, answer in judged]
    elif "jsonl" in file.name and case["refused"][0] != "no-subject":
        # A line that can't be taken is an error of its own.
        assert case["refused"][0] in {reason.code for one in replayed() for reason in one.evaluation.reasons}
    else:
        with pytest.raises(SourceRejected) as caught:
            replayed()
        assert caught.value.code == case["refused"][0]


def test_every_file_has_a_case() -> None:
    assert {path.name for path in (FOLDER / "sources").iterdir()} == {case["file"] for case in CASES}
