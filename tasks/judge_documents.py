"""Judge many documents of facts at once.  document_columns -> [judge_documents] -> answers

For whoever judges again what is on record, thousands of jobs at a time. By columns, where these tell all of a document
and rules ask nothing of the instant but whether they are in force; each by itself otherwise. The answers are those of
`tasks.judge.evaluate_complete` either way."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rulesets.loader import LoadedRuleset
from tasks.answer_columns import frame_columns, in_rows
from tasks.document_columns import DocumentColumns
from tasks.judge import evaluate_complete
from tasks.shared_facts import CompleteFacts

#: For fewer documents, judging each by itself is faster than to lay out columns.
FEW_DOCUMENTS = 200


def judge_documents(
    loaded: LoadedRuleset,
    facts: Callable[[int], CompleteFacts],
    moments: Sequence[datetime],
    columns: DocumentColumns | None,
) -> list[Mapping[str, Any]]:
    """Judge documents.

    Args:
        loaded: the ruleset of their domain.
        facts: gives those of a place, with the shared ones among them; of most it is not asked.
        moments: the instant of each.
        columns: of all that nobody refused already, by `document_columns` for the schema of the ruleset, or by
            `TextColumns` for its program; None: there are none.

    Returns:
        An answer each, as `Evaluation.to_json` gives it; some share theirs.
    """
    program, answers = loaded.program, dict[int, Mapping[str, Any]]()
    if columns is not None:
        together: dict[tuple[bool, ...], list[int]] = {}
        for place, moment in enumerate(moments):
            if place not in columns.apart:
                in_force = program.in_force(moment)
                if in_force is None:
                    break
                together.setdefault(in_force, []).append(place)
        else:
            for places in together.values():
                frame = columns.frame if len(places) == len(moments) else columns.frame[places]
                result = program.evaluate_frame(frame, fact=None, as_of=moments[places[0]])
                answers |= zip(places, in_rows(frame_columns(result)), strict=True)
    return [
        answers[place] if place in answers else evaluate_complete(loaded, facts(place), moment).to_json()
        for place, moment in enumerate(moments)
    ]
