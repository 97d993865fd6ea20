"""Drafts that nobody needs any more.  age -> [draft_retention] -> rows of rulesets deleted

`rules impact` and `rules shadow` put drafts on record, for the workers. One that was never published goes when it is
old and nothing that is on record names it: no job and no batch that is pinned to it, no shadow, no verdict, of this
region or a copy. What was published, or was to be, stays for ever, so that old verdicts elsewhere can be explained."""

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, column, delete, func, select, table

from rulefarm.database import active_rulesets, batches, jobs, publications, rulesets, shadows, translate_errors
from store.partitions import trees
from store.publication_trail import lock_trail


def prune_drafts(engine: Engine, before: datetime, *, dry_run: bool) -> int:
    """Delete the drafts that were last tried before an instant and that nothing refers to.

    Args:
        engine: the database.
        before: they were put on record, or tried again, before it.
        dry_run: count, and delete nothing.

    Returns:
        How many.

    Raises:
        DatabaseUnreachable: nothing was deleted.
    """
    with translate_errors(engine), engine.begin() as connection:
        if not dry_run:
            # Or one could be published at this moment: it would be gone from under its publication.
            lock_trail(connection)
        unused = _unused(before, trees(connection))
        if dry_run:
            return connection.execute(select(func.count()).select_from(rulesets).where(*unused)).scalar_one()
        return connection.execute(delete(rulesets).where(*unused)).rowcount


def _unused(before: datetime, verdict_trees: list[str]) -> list[ColumnElement[bool]]:
    naming = [
        (active_rulesets, "digest"),
        (publications, "digest"),
        (publications, "parent"),
        (shadows, "digest"),
        (batches, "digest"),
        (jobs, "digest"),
        # Last, for all of them are read for it.
        *((table(name, column("domain"), column("ruleset_digest")), "ruleset_digest") for name in verdict_trees),
    ]
    named = (
        select(where.c.domain).where(where.c.domain == rulesets.c.domain, where.c[digest] == rulesets.c.digest).exists()
        for where, digest in naming
    )
    return [rulesets.c.published_at < before, *(~each for each in named)]
