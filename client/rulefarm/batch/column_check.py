"""Say, or refuse, what columns and fields do not share.  batch, progress -> [column_check] -> remarks, SourceRejected

Asks the database what was published with the domain's ruleset, and for a nightly what the last one had that was
done."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from rulefarm.batch.columns import ColumnMismatch, compare_columns, own_columns
from rulefarm.batch.source_options import Progress
from rulefarm.database import active_rulesets, batches, rulesets
from rulefarm.errors import SourceRejected

_STRICT_HINT = "mend the source, or take it without --strict"
_NIGHTLY_HINT = "if the change is meant: rulefarm nightly run --no-strict"


class ColumnCheck:
    """The check of one source."""

    def __init__(
        self,
        connection: Connection,
        record: Mapping[str, Any],
        published: Mapping[str, Any] | None,
        *,
        is_json: bool,
        strict: bool,
        like_the_last: bool,
    ) -> None:
        """Prepare.

        Args:
            connection: on the farm's database.
            record: the batch's row: domain, source.
            published: the fields, from `judging_ruleset`.
            is_json: whether the source is lines of JSON.
            strict: refuse whatever would only be said.
            like_the_last: refuse what the last nightly that was done did not lack, and had not beside.
        """
        self._record = record
        self._is_json = is_json
        self._strict = strict
        self._published = published
        self._before = _last_columns(connection, record["domain"]) if like_the_last and not strict else None

    def check(self, progress: Progress) -> list[str]:
        """What is to be said about the source.

        Args:
            progress: its columns, and what its reader had to say.

        Raises:
            SourceRejected: it is refused.
        """
        source = self._record["source"]
        if self._published is None:
            if self._strict:
                message = f"{source}: the fields of {self._record['domain']} are not published"
                raise SourceRejected("no-fields", message, "start a worker of this version for the domain")
            return list(progress.remarks)
        mismatch = compare_columns(own_columns(progress.columns, self._published), self._published)
        said = [*mismatch.sentences(), *progress.remarks]
        if self._strict and said:
            raise _refused(source, said, _STRICT_HINT)
        if self._before is not None and set(progress.columns) != set(self._before):
            before = own_columns(self._before, self._published)
            new: ColumnMismatch = mismatch.since(before, is_json=self._is_json)
            if new:
                raise _refused(f"{source}, unlike the last nightly that was done", new.sentences(), _NIGHTLY_HINT)
        return said


def _refused(source: str, sentences: list[str], hint: str) -> SourceRejected:
    return SourceRejected("columns-refused", f"{source}: {'; '.join(sentences)}", hint)


def judging_ruleset(connection: Connection, domain: str) -> tuple[str | None, Mapping[str, Any] | None]:
    """The ruleset that a batch is judged by, which is the active one of this moment.

    Args:
        connection: on the farm's database.
        domain: whose.

    Returns:
        Its digest, and the fields that were published with it, as `rulesets.source_fields` gives them; None each: there
        is no such thing.
    """
    active = (rulesets.c.domain == active_rulesets.c.domain) & (rulesets.c.digest == active_rulesets.c.digest)
    statement = select(rulesets.c.digest, rulesets.c.fields).join(active_rulesets, active)
    row = connection.execute(statement.where(rulesets.c.domain == domain)).first()
    return (row.digest, row.fields) if row else (None, None)


def _last_columns(connection: Connection, domain: str) -> list[str] | None:
    statement = (
        select(batches.c.columns)
        .where(batches.c.domain == domain, batches.c.nightly, batches.c.state == "done", batches.c.columns.is_not(None))
        .order_by(batches.c.enqueued_at.desc())
        .limit(1)
    )
    columns: list[str] | None = connection.execute(statement).scalar()
    return columns
