"""What several commands ask the database on the side.  a key, a domain, a verdict -> [lookup] -> remarks, facts

Refuses domains that nobody has published, and says when a key names several jobs."""

from difflib import get_close_matches
from typing import Any

from sqlalchemy import Engine

from cli.display.terminal import echo
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from rulesets.recorded import recorded_schema
from store.batch_status import find_batches
from store.dead_letter_retry import LetterFilter, find_letters
from store.job_status import find_jobs, same_key
from store.ruleset_versions import source_of
from tasks.judged_facts import judged_facts

#: Of several jobs of one key, so many are named.
_NAMED = 5


def check_domain(engine: Engine, domain: str | None) -> None:
    """Refuse a domain that nobody has published, and of which nothing is on record: a list of it would just be empty.

    Args:
        engine: the database.
        domain: its name; None: any will do.

    Raises:
        NotFound: `unknown-domain`.
        DatabaseUnreachable: no answer.
    """
    if domain is None:
        return
    known = active_digests(engine)
    if domain not in known and not _is_on_record(engine, domain):
        near = get_close_matches(domain, known, n=1)
        hint = f"known: {', '.join(sorted(known)) or 'none, no worker has published a ruleset yet'}"
        raise NotFound("unknown-domain", f"no domain {domain!r}", f"did you mean {near[0]!r}? {hint}" if near else hint)


def _is_on_record(engine: Engine, domain: str) -> bool:
    """Whether anything of a domain is, which may be one that is published no longer."""
    return bool(
        any(find_jobs(engine, state=state, domain=domain, limit=1) for state in ("open", "dead", "done"))
        or find_batches(engine, domain=domain, limit=1)
        or find_letters(engine, LetterFilter(domain=domain), limit=1)
    )


def say_if_several(engine: Engine, key: str, domain: str | None) -> None:
    """Say on stderr that a key names several jobs, the newest of which is shown.

    Args:
        engine: the database.
        key: as it was given; an id names one.
        domain: of this domain only.

    Raises:
        DatabaseUnreachable: no answer.
    """
    found = same_key(engine, key, domain=domain)
    if len(found) < 2:
        return
    domains = sorted({row["domain"] for row in found})
    other = "--domain or an id names another" if len(domains) > 1 else "an id names another"
    echo(f"rulefarm: {len(found)} jobs or rows have the key {key}; the newest is shown, {other}:", err=True)
    for row in found[:_NAMED]:
        moment = f"{row['enqueued_at']:%Y-%m-%d %H:%M:%S}"
        echo(f"  {row['id']}  {row['domain']}  {moment}  {row['outcome'] or 'no verdict'}", err=True)
    if len(found) > _NAMED:
        echo(f"  and {len(found) - _NAMED} more: see 'rulefarm verdicts --subject'", err=True)


def published_key(engine: Engine, domain: str) -> str | None:
    """The field that names what a domain judges, by what is published; None if nothing is.

    Args:
        engine: the database.
        domain: its name.

    Raises:
        DatabaseUnreachable: no answer.
    """
    digest = active_digests(engine).get(domain)
    try:
        schema = recorded_schema(source_of(engine, domain, digest)) if digest else None
    except NotFound:
        return None
    return schema.key if schema else None


def facts_on_record(engine: Engine, verdict: Verdict) -> dict[str, Any] | None:
    """The facts that a verdict was reached with; None when they are no longer on record.

    Args:
        engine: the database.
        verdict: of a job, or of a row of a batch.

    Raises:
        DatabaseUnreachable: no answer.
    """
    try:
        schema = recorded_schema(source_of(engine, verdict.domain, verdict.ruleset_digest))
        return None if schema is None else judged_facts(engine, verdict, schema)
    except NotFound:
        return None
