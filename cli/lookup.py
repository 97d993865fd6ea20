"""What several commands ask the database on the side.  a key, a domain -> [lookup] -> remarks

Refuses domains that nobody has published, and says when a key names several jobs."""

from difflib import get_close_matches

from sqlalchemy import Engine

from cli.display.instants import to_second
from cli.display.terminal import echo
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from store.batch_status import find_batches
from store.dead_letter_retry import LetterFilter, find_letters
from store.job_status import find_jobs, same_key

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
        moment = to_second(row["enqueued_at"])
        echo(f"  {row['id']}  {row['domain']}  {moment}  {row['outcome'] or 'no verdict'}", err=True)
    if len(found) > _NAMED:
        echo(f"  and {len(found) - _NAMED} more: see 'rulefarm verdicts --subject'", err=True)
