"""The trail of who looked at facts.  a page with facts -> [fact_views] -> the table fact_views -> auditors

A row each time that a person is shown the facts of a subject, before they are shown. Rows are added, never changed: the
farm's user of Postgres may do neither more."""

import uuid
from typing import Any

from sqlalchemy import Engine, insert, select

from rulefarm.database import fact_views, translate_errors


def record_fact_view(
    engine: Engine, *, viewer: str, address: str, domain: str, subject_id: uuid.UUID, unmasked: bool
) -> None:
    """Put a view on record.

    Args:
        engine: the database.
        viewer: name of the token, or loopback.
        address: that the request came from.
        domain: whose subject it is.
        subject_id: the job, or the verdict of a row of a batch; of facts that were pasted, what their page names.
        unmasked: whether private values are shown.

    Raises:
        DatabaseUnreachable: nothing was written: show nothing.
    """
    row = {"viewer": viewer, "address": address, "domain": domain, "subject_id": subject_id, "unmasked": unmasked}
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(insert(fact_views).values(row))


def find_fact_views(engine: Engine, subject_id: uuid.UUID, *, limit: int = 100) -> list[dict[str, Any]]:
    """Who looked at the facts of a subject, the last first.

    Args:
        engine: the database.
        subject_id: the job, or the verdict of a row of a batch.
        limit: at most so many.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(fact_views).where(fact_views.c.subject_id == subject_id).order_by(fact_views.c.id.desc())
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement.limit(limit)).mappings()]
