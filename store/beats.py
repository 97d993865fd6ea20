"""Which beats there are.  name in a message of beat -> [beats] -> the reconciler's row -> `rulefarm doctor`

Each beat has a name, which comes with what it sends. One that ends and is started again has another: only two of which
each was heard of after the other had begun run at once. All clocks are Postgres's. A second beat harms nothing."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from itertools import combinations

from sqlalchemy import Engine, text

from rulefarm.database import translate_errors

#: Name of the header of a message that says which beat sent it.
BEAT_HEADER = "beat"
#: Characters of a name, and names that are kept: whoever reaches the broker can write a message.
_LONGEST, _MOST = 100, 20
#: Of the row as it is: the names heard of within an hour, each with when it was first heard of and when last.
_KEPT = (
    "select key, value from jsonb_each(coalesce(beats, '{}'))"
    " where (value->>1)::timestamptz > now() - interval '1 hour'"
    f" order by value->>1 desc limit {_MOST}"
)
_NOTE = text(f"""
    update reconciler set beats = (select coalesce(jsonb_object_agg(key, value), '{{}}') from ({_KEPT}) as kept)
        || jsonb_build_object(cast(:name as text), jsonb_build_array(
            coalesce(beats->:name->>0, clock_timestamp()::text), clock_timestamp()::text))
    where id = 1""")
_RECENT = text("""
    select key as name, (value->>0)::timestamptz as first_at, (value->>1)::timestamptz as last_at
    from reconciler, jsonb_each(beats)
    where id = 1 and (value->>1)::timestamptz > now() - :within * interval '1 second'""")


def new_name(host: str, pid: int) -> str:
    """What a beat that starts is called.

    Args:
        host: where it runs.
        pid: of its process.
    """
    # In a container every one has the same number, and it may have the same host again.
    return f"beat.{pid}.{uuid.uuid4().hex[:6]}@{host}"[:_LONGEST]


def note_beat(engine: Engine, name: object) -> None:
    """Put on record that a beat was heard of, once the reconciler has run; what is no name is not.

    Args:
        engine: the database.
        name: as its message has it.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    if isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST:
        with translate_errors(engine), engine.begin() as connection:
            connection.execute(_NOTE, {"name": name})


def beats_at_once(engine: Engine, within_s: float) -> list[str]:
    """The names of beats that run beside each other; none: there is one, or none.

    Args:
        engine: the database.
        within_s: seconds within which each was heard of.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(_RECENT, {"within": within_s}).all()
    return _overlapping({row.name: (row.first_at, row.last_at) for row in rows})


def _overlapping(heard: Mapping[str, tuple[datetime, datetime]]) -> list[str]:
    """Of what was heard first and last at some moments, what overlaps something else.

    >>> def at(*minutes): return tuple(datetime(2026, 3, 1, 12, minute) for minute in minutes)
    >>> _overlapping({"a": at(1, 5), "b": at(6, 9)}), _overlapping({"a": at(1, 6), "b": at(5, 9), "c": at(11, 12)})
    ([], ['a', 'b'])
    """
    found = set()
    for (one, (begun, ended)), (other, (begun_too, ended_too)) in combinations(heard.items(), 2):
        if begun < ended_too and begun_too < ended:
            found |= {one, other}
    return sorted(found)
