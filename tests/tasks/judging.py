"""Files judged as a chunk is, by the rules of a small shop; what tests of sources share."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from rulefarm.batch import SourceOptions, encode, open_source
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset, load_domain
from tasks.judge import judge_chunk

AS_OF = datetime(2026, 11, 27, tzinfo=UTC)
#: What a chunk's row says besides its domain, its form and its facts.
ABOUT = {"batch": uuid.UUID(int=7), "as_of": AS_OF, "enqueued_at": AS_OF}
SHOP = load_domain(Path(__file__).parent / "rulesets", "shop")


def judge_frames(loaded: LoadedRuleset, form: str, frames: Sequence[pl.DataFrame], rows: int) -> list[Verdict]:
    about = ABOUT | {"domain": loaded.domain, "form": form}
    facts = [facts for frame in frames for _, facts in encode(frame, rows)]
    return [verdict for one in facts for verdict in judge_chunk(loaded, about | {"facts": one}, "here")]


def judge(path: Path, *, loaded: LoadedRuleset = SHOP, rows: int = 1000, **options: Any) -> list[Verdict]:
    source = open_source(path, SourceOptions(**options), rows=rows)
    return judge_frames(loaded, source.form, list(source.portions), rows)


def answers(verdicts: list[Verdict]) -> list[tuple[str, str, list[str]]]:
    return [
        (verdict.subject, verdict.outcome, [str(reason["text"]) for reason in verdict.reasons]) for verdict in verdicts
    ]


def written(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content, "utf-8")
    return folder / name


def workbook(path: Path, *rows: Sequence[Any], title: str = "Prices") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book
