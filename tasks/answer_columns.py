"""What a ruleset says of the rows of a frame, by columns.  frame -> [answer_columns] -> judge, judge_together

Takes what the engine found, gives a column for each part of an answer, as plain data. Rows in which the same rules
fired share all that these say, the same objects, so that whoever stores it makes text of it once; only changes are a
row's own. An answer by itself is put together for whoever looks at rows. Judges nothing, refuses nothing."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from engine import Evaluation, FrameResult

#: What an evaluation gives a verdict.
PARTS = ("outcome", "fired", "reasons", "changes", "logs", "events")

#: Each part to its value in every row.
AnswerColumns: TypeAlias = Mapping[str, Sequence[Any]]


def frame_columns(result: FrameResult) -> AnswerColumns:
    """The answers for the rows of a frame.

    Args:
        result: what the engine found.
    """
    kinds = result.kinds
    rows = dict(zip(kinds, range(len(kinds)), strict=True))
    said: dict[str, dict[Hashable, Any]] = {
        "fired": {kind: result.fired(row) for kind, row in rows.items()},
        "reasons": {kind: [reason.to_json() for reason in result.reasons(row)] for kind, row in rows.items()},
        "logs": {kind: result.logs(row) for kind, row in rows.items()},
        "events": {kind: [event.to_json() for event in result.events(row)] for kind, row in rows.items()},
    }
    columns = {name: list(map(values.__getitem__, kinds)) for name, values in said.items()}
    return {"outcome": result.outcome, "changes": result.json_changes, **columns}


def columns_of(evaluations: Iterable[Evaluation]) -> AnswerColumns:
    """The answers of records that were judged one by one.

    Args:
        evaluations: of each.
    """
    answers = [evaluation.to_json() for evaluation in evaluations]
    return {name: [answer[name] for answer in answers] for name in PARTS}


def merged(columns: AnswerColumns, others: AnswerColumns, places: Mapping[int, int]) -> AnswerColumns:
    """The answers of rows of which some were judged by themselves.

    Args:
        columns: of those that were not, in order.
        others: of those that were.
        places: the number of each of these rows to its place in `others`.
    """
    rows = len(places) + len(columns["outcome"])
    whole = {}
    for name in PARTS:
        rest, own = iter(columns[name]), others[name]
        whole[name] = [own[places[row]] if row in places else next(rest) for row in range(rows)]
    return whole


def in_rows(columns: AnswerColumns) -> list[dict[str, Any]]:
    """An answer a row, as `Evaluation.to_json` gives it; rows that share all of it have one object.

    Args:
        columns: of a frame.
    """
    known: dict[tuple[int, int], dict[str, Any]] = {}
    answers = []
    # Rows share their rules together with all that these say.
    for values in zip(*(columns[name] for name in PARTS), strict=True):
        key = id(values[1]), id(values[3])
        answer = known.get(key)
        if answer is None:
            answer = known[key] = dict(zip(PARTS, values, strict=True))
        answers.append(answer)
    return answers
