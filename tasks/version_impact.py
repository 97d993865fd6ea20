"""Judge facts by two versions of a ruleset, and count what differs.  rows, jobs -> [version_impact] -> Impact

Rows are judged by columns, where these tell all of them, and each by itself otherwise. A shared fact is what it was
when the row was judged; where that is not on record, the row is counted as skipped. Only rows that flip are looked at
any closer. Writes nothing, and knows no database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import polars as pl

from engine import FactsRejected, Schema, did_you_mean
from rulefarm.batch import SUBJECT_COLUMN
from rulefarm.errors import RulefarmError
from rulesets.differences import names_after
from rulesets.flip_examples import private_in
from rulesets.flips import Answer, Example, Impact, compare_answers
from rulesets.loader import LoadedRuleset
from tasks.answer_columns import in_rows
from tasks.chunk_rows import ChunkRows, read_rows
from tasks.document_columns import DocumentColumns, document_columns
from tasks.judge import judge_columns
from tasks.judge_documents import FEW_DOCUMENTS, judge_documents
from tasks.shared_facts import CompleteFacts
from tasks.text_columns import TextColumns


@dataclass(slots=True)
class RecordedJob:
    """A job as it is on record."""

    subject: str
    #: As they were submitted: the text of the row's jsonb.
    facts: str
    as_of: datetime
    #: The shared facts that were judged with it; None: none are on record.
    shared: Mapping[str, Any] | None
    id: str | None = None
    _complete: CompleteFacts | None = field(default=None, repr=False, compare=False)

    def complete(self) -> CompleteFacts:
        """Its facts with the shared ones; made when somebody asks."""
        if self._complete is None:
            self._complete = CompleteFacts({**json.loads(self.facts), **(self.shared or {})}, {})
        return self._complete


class VersionImpact:
    """What one version of a ruleset does to facts that another does not."""

    def __init__(
        self,
        before: LoadedRuleset,
        after: LoadedRuleset,
        summed: str | None = None,
        *,
        renamed: dict[str, str] | None = None,
    ) -> None:
        """Pair the rules of the versions.

        Args:
            before: the version that facts are judged by now.
            after: the one that may come.
            summed: `Fact.field`, a number, which is summed over the rows that flip. Default: none.
            renamed: by `rulesets.differences.names_after`, if that is known. Default: it is found out.

        Raises:
            RulefarmError: `unknown-field`, `no-number`: there is no such field, or it can't be summed.
                `private-field`: the sum of a row would be its value.
        """
        self._before, self._after = before, after
        #: What rules of the version before are called in the one after.
        self.renamed = names_after(before.program, after.program) if renamed is None else renamed
        self._summed = _place(before.schema, summed) if summed else None
        if summed and private_in(before.program, after.program).are_in(summed):
            raise RulefarmError(
                "private-field", f"{summed} is private: the sum of one row is its value", "choose another"
            )
        #: Whether the same rows are read alike for both.
        self._same_schema = before.schema.canonical() == after.schema.canonical()
        #: Whether a row can be judged without what others share.
        self.is_shared = before.schema.is_shared or after.schema.is_shared
        programs = (before.program, after.program) if self._same_schema else (before.program,)
        self._texts_before = self._texts_after = TextColumns(before.schema, programs)
        if not self._same_schema:
            self._texts_after = TextColumns(after.schema, (after.program,))

    def of_rows(
        self,
        frame: pl.DataFrame,
        form: str,
        as_of: datetime,
        shared: Sequence[Mapping[str, Any] | None] | None = None,
        *,
        batch: UUID | None = None,
    ) -> Impact:
        """Count the rows of a source, or of a chunk.

        Args:
            frame: with the subjects, as `rulefarm.batch` gives it.
            form: of the source.
            as_of: the instant to judge at.
            shared: the shared facts of each row, or None where none are on record; needed if `is_shared`.
            batch: that the chunk is of. Default: none, it is a source.
        """
        skipped = 0
        if self.is_shared:
            shares = shared or [None] * len(frame)
            known = [row for row, facts in enumerate(shares) if facts is not None]
            skipped = len(frame) - len(known)
            frame, shared = frame[known], [shares[row] for row in known]
        if not len(frame):
            return Impact(skipped=skipped)
        rows = read_rows(frame, form, self._before.schema)
        others = rows if self._same_schema else read_rows(frame, form, self._after.schema)
        before, columns = _answers(self._before, rows, as_of, shared, None)
        after, _ = _answers(self._after, others, as_of, shared, columns if self._same_schema else None)
        impact, flipped = compare_answers(before, after, self.renamed)
        impact.skipped = skipped
        if flipped:
            # Of the others nobody reads the facts.
            documents = read_rows(frame[list(flipped)], form, self._before.schema).documents
            subjects = frame[SUBJECT_COLUMN][list(flipped)].to_list()
            for place, (row, cause) in enumerate(flipped.items()):
                facts = documents[place] | dict((shared[row] or {}) if shared is not None else {})
                row_id = None if batch is None else str(uuid5(batch, subjects[place]))
                impact.count(cause, self._value(facts), Example(subjects[place], facts, as_of, row_id))
        return impact

    def of_jobs(self, jobs: Sequence[RecordedJob]) -> Impact:
        """Count single jobs.

        Args:
            jobs: each with its own instant.
        """
        known = [job for job in jobs if not self.is_shared or job.shared is not None]
        moments = [job.as_of for job in known]

        def facts(row: int) -> CompleteFacts:
            return known[row].complete()

        columns = self._columns(known, self._texts_before, self._before.schema)
        before = judge_documents(self._before, facts, moments, columns)
        if not self._same_schema:
            columns = self._columns(known, self._texts_after, self._after.schema)
        after = judge_documents(self._after, facts, moments, columns)
        impact, flipped = compare_answers(before, after, self.renamed)
        impact.skipped = len(jobs) - len(known)
        for row, cause in flipped.items():
            job, document = known[row], known[row].complete().document
            impact.count(cause, self._value(document), Example(job.subject, document, job.as_of, job.id))
        return impact

    def _columns(self, jobs: Sequence[RecordedJob], texts: TextColumns, schema: Schema) -> DocumentColumns | None:
        # Shared facts are no part of what the row has.
        if not self.is_shared and len(jobs) >= FEW_DOCUMENTS and (columns := texts.read([job.facts for job in jobs])):
            return columns
        return _columns([job.complete().document for job in jobs], schema)

    def _value(self, facts: Mapping[str, Any]) -> Decimal | None:
        """The number of a row in the chosen field, over all elements of a list; None: it has none."""
        if self._summed is None:
            return None
        fact, field = self._summed
        try:
            found = self._before.program.own_names(facts).get(fact)
        except FactsRejected:
            return None
        values = [one.get(field) for one in (found if isinstance(found, list) else [found]) if isinstance(one, Mapping)]
        numbers = [
            Decimal(str(value)) for value in values if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        return sum(numbers, Decimal(0)) if numbers else None


def _answers(
    loaded: LoadedRuleset,
    rows: ChunkRows,
    as_of: datetime,
    shared: Sequence[Mapping[str, Any] | None] | None,
    columns: DocumentColumns | None,
) -> tuple[Sequence[Answer], DocumentColumns | None]:
    """The answers of one version, and the columns that they were made by.

    Args:
        loaded: the version.
        rows: as its schema reads them.
        as_of: the instant to judge at.
        shared: the shared facts of each row; None: there are none.
        columns: of the documents, where the other version had them made, by the same schema.
    """
    if rows.columns is not None and not loaded.schema.is_shared:
        return in_rows(judge_columns(loaded, rows, rows.columns, as_of)), None
    more = shared if shared is not None else [None] * len(rows.subjects)
    facts = [
        CompleteFacts({**document, **(more[row] or {})}, {}, rows.refused.get(row))
        for row, document in enumerate(rows.documents)
    ]
    if columns is None:
        columns = _columns([each.document for each in facts], loaded.schema)
        if columns is not None:
            columns = replace(columns, apart=columns.apart | rows.refused.keys())
    return judge_documents(loaded, facts.__getitem__, [as_of] * len(facts), columns), columns


def _columns(documents: Sequence[Mapping[str, Any]], schema: Schema) -> DocumentColumns | None:
    return document_columns(documents, schema) if len(documents) >= FEW_DOCUMENTS else None


def _place(schema: Schema, path: str) -> tuple[str, str]:
    """The fact and the field that a path names.

    Raises:
        RulefarmError: `unknown-field`, `no-number`.
    """
    fact, _, name = path.partition(".")
    known = {f"{one.name}.{field}": each for one in schema.facts.values() for field, each in one.fields.items()}
    field = known.get(path)
    if field is None:
        raise RulefarmError("unknown-field", f"there is no field {path!r}", did_you_mean(path, known))
    if field.kind != "number":
        raise RulefarmError("no-number", f"{path} is of the kind {field.kind}, and has no sum", "choose a number")
    return fact, name
