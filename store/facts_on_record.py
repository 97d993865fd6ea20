"""Which facts are on record of a domain, in parts.  jobs, chunks -> [facts_on_record] -> parts, and what is in one

For whoever judges again what was judged, maybe on many processes at once: a part is plain data that fits a message, and
names some thousand jobs by a range of their ids, or one chunk of a batch. Ids of jobs are hashes, so a range of them is
as good as drawn by chance, and the same each time. Reads a part bit by bit, writes nothing."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Text, cast, func, select, text

from rulefarm.database import allow_long, batches, chunks, jobs, translate_errors, verdicts
from rulefarm.errors import NotFound

#: Jobs of one part, about; they take a worker a fraction of a second.
_PART_JOBS = 5_000
#: Ranges of ids that one part has at most.
_MOST_RANGES = 20
#: Chunks that stand for a batch.
_CHUNKS = 4
#: Jobs that are read at once.
_PAGE = 1_000
#: Characters of their facts that are held until they are as many as are judged at once.
_CHARACTERS = 32_000_000
_DOMAINS = text(
    "with recursive found (domain) as (select min(domain) from jobs union all"
    " select (select min(jobs.domain) from jobs where jobs.domain > found.domain) from found"
    " where found.domain is not null)"
    " select domain from found where domain is not null union select domain from batches order by domain"
)
#: One more than the largest id.
_IDS = 1 << 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts."""

    domain: str
    #: Submitted since; None: whenever.
    since: datetime | None = None
    #: The rows of this batch; None: all jobs and batches.
    batch: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class FactsPart:
    """Some of the facts."""

    #: Facts in it, about.
    rows: int
    #: A chunk: its batch and number, and the share of its rows that is wanted.
    batch: uuid.UUID | None = None
    n: int = 0
    share: float = 1.0
    #: Jobs: the first id, and the one after the last, as numbers.
    first: int = 0
    end: int = 0
    #: Of jobs at most so many, the first of the range; None: all.
    most: int | None = None

    def ranges(self, jobs: float) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """The ids of jobs of a part in ranges, from first to last, so that one statement reads some thousand.

        Args:
            jobs: that are in it, about.
        """
        pieces = min(max(1, round(jobs / _PART_JOBS)), _MOST_RANGES)
        edges = [self.first + (self.end - self.first) * piece // pieces for piece in range(pieces + 1)]
        return [(uuid.UUID(int=first), uuid.UUID(int=end - 1)) for first, end in pairwise(edges)]

    def to_json(self) -> dict[str, Any]:
        """The part as plain data."""
        if self.batch is not None:
            return {"rows": self.rows, "batch": str(self.batch), "n": self.n, "share": self.share}
        return {"rows": self.rows, "first": f"{self.first:x}", "end": f"{self.end:x}", "most": self.most}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FactsPart":
        """The part that `to_json` wrote."""
        if "batch" in document:
            return cls(document["rows"], uuid.UUID(document["batch"]), document["n"], document["share"])
        first, end = (int(document[name], 16) for name in ("first", "end"))
        return cls(document["rows"], first=first, end=end, most=document.get("most"))


def instant_before(engine: Engine, age: timedelta) -> datetime:
    """The instant so long ago, by Postgres's clock.

    Args:
        engine: the database.
        age: how long.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        found: datetime = connection.execute(select(func.now() - age)).scalar_one()
        return found


def domains_on_record(engine: Engine) -> list[str]:
    """The domains that have jobs or batches, in order; finds them by an index, one by one.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.begin() as connection:
        allow_long(connection)
        return list(connection.execute(_DOMAINS).scalars())


def facts_on_record(engine: Engine, wanted: Wanted, *, sample: int | None = None) -> list[FactsPart]:
    """The parts of the facts, each of which can be read by `jobs_of` or `chunk_of`.

    Args:
        engine: the database.
        wanted: which facts.
        sample: about so many of them, drawn by chance, the same ones each time. Default: all.

    Raises:
        NotFound: `no-such-batch`: there is no such batch of that domain.
        DatabaseUnreachable: no answer.
    """
    listed = select(chunks.c.rows, chunks.c.batch, chunks.c.n).join(batches, batches.c.id == chunks.c.batch)
    # The rows of a chunk that was split are in later ones.
    listed = listed.where(batches.c.domain == wanted.domain, chunks.c.state != "split")
    if wanted.batch is not None:
        listed = listed.where(batches.c.id == wanted.batch)
    elif wanted.since is not None:
        listed = listed.where(batches.c.enqueued_at >= wanted.since)
    listed = listed.order_by(batches.c.enqueued_at, chunks.c.batch, chunks.c.n)
    with translate_errors(engine), engine.begin() as connection:
        allow_long(connection)
        count = 0
        if wanted.batch is None:
            count = connection.execute(select(func.count()).select_from(jobs).where(*_of_jobs(wanted))).scalar_one()
        elif (of := connection.execute(select(batches.c.domain).where(batches.c.id == wanted.batch)).scalar()) != (
            wanted.domain
        ):
            what = f"batch {wanted.batch} is of {of}" if of else f"no batch {wanted.batch} is on record"
            raise NotFound("no-such-batch", what, "'rulefarm batch list' names those that are")
        found = connection.execute(listed).all()
    total = count + sum(row.rows for row in found)
    share = 1.0 if sample is None else min(1.0, sample / max(1, total))
    parts = [FactsPart(round(row.rows * share), row.batch, row.n, share) for row in found]
    return parts + (_ranges(round(count * share), share) if count else [])


def recent_facts(engine: Engine, wanted: Wanted, *, most: int) -> list[FactsPart]:
    """Some of the facts, found without counting them: jobs as they come, and rows of the newest batch.

    Args:
        engine: the database.
        wanted: which facts; `since` says how recent.
        most: jobs, and rows of the batch about; the same ones each time until others come.

    Raises:
        DatabaseUnreachable: no answer.
    """
    parts = [FactsPart(most, end=_IDS, most=most)]
    newest = select(batches.c.id).where(batches.c.domain == wanted.domain, batches.c.chunks > 0)
    if wanted.since is not None:
        newest = newest.where(batches.c.enqueued_at >= wanted.since)
    newest = newest.order_by(batches.c.enqueued_at.desc()).limit(1)
    listed = select(chunks.c.batch, chunks.c.n, chunks.c.rows).where(chunks.c.batch == newest.scalar_subquery())
    with translate_errors(engine), engine.connect() as connection:
        found = connection.execute(listed.where(chunks.c.state != "split").order_by(chunks.c.n)).all()
    # To read a chunk takes as long whatever share of it is wanted: a few of them, from all over the batch.
    chosen = [found[place] for place in sorted({len(found) * n // _CHUNKS for n in range(_CHUNKS)})] if found else []
    share = min(1.0, most / max(1, sum(row.rows for row in chosen)))
    return parts + [FactsPart(round(row.rows * share), row.batch, row.n, share) for row in chosen]


def _ranges(drawn: int, share: float) -> list[FactsPart]:
    """The parts of so many jobs, which are that share of all."""
    pieces = max(1, -(-drawn // _PART_JOBS))
    end = _IDS if share >= 1 else int(_IDS * share)
    edges = [end * piece // pieces for piece in range(pieces + 1)]
    return [FactsPart(drawn // pieces, first=first, end=last) for first, last in pairwise(edges)]


def jobs_of(engine: Engine, wanted: Wanted, part: FactsPart, *, shared: bool) -> Iterator[Sequence[Row[Any]]]:
    """The jobs of a part, some at a time: id, subject, facts, as_of, shared_facts and reasons of the verdict.

    Ids and facts are text as Postgres writes it: who needs more of one in a hundred, makes it of that one.

    Args:
        engine: the database.
        wanted: which facts.
        part: jobs.
        shared: whether the verdicts are read too; otherwise the last two are not there.

    Raises:
        DatabaseUnreachable: no answer.
    """
    columns = [
        cast(jobs.c.id, Text).label("id"),
        jobs.c.subject,
        cast(jobs.c.facts, Text).label("facts"),
        jobs.c.as_of,
    ]
    statement = select(*columns)
    if shared:
        verdict_of = (jobs.c.id == verdicts.c.id) & (jobs.c.enqueued_at == verdicts.c.enqueued_at)
        statement = select(*columns, verdicts.c.shared_facts, verdicts.c.reasons).join(
            verdicts, verdict_of, isouter=True
        )
    statement = statement.where(*_of_jobs(wanted)).order_by(jobs.c.id)
    if part.end < _IDS:
        statement = statement.where(jobs.c.id < uuid.UUID(int=part.end))
    after, left = jobs.c.id >= uuid.UUID(int=part.first), part.most
    gathered: list[Row[Any]] = []
    characters = 0
    while True:
        size = _PAGE if left is None else min(_PAGE, left)
        with translate_errors(engine), engine.connect() as connection:
            page = connection.execute(statement.where(after).limit(size)).all()
        gathered += page
        characters += sum(len(row.facts) for row in page)
        left = None if left is None else left - len(page)
        is_last = len(page) < size or left == 0
        if gathered and (is_last or len(gathered) >= 2 * _PART_JOBS or characters >= _CHARACTERS):
            yield gathered
            gathered, characters = [], 0
        if is_last:
            return
        after = jobs.c.id > uuid.UUID(page[-1].id)


def chunk_of(engine: Engine, part: FactsPart) -> dict[str, Any] | None:
    """The chunk of a part: form, facts, as_of, enqueued_at; None: it was pruned meanwhile.

    Args:
        engine: the database.
        part: a chunk.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = (
        select(chunks.c.form, chunks.c.facts, batches.c.as_of, batches.c.enqueued_at)
        .join(batches, batches.c.id == chunks.c.batch)
        .where(chunks.c.batch == part.batch, chunks.c.n == part.n)
    )
    with translate_errors(engine), engine.connect() as connection:
        found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found)


def verdicts_of_rows(engine: Engine, enqueued_at: datetime, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The shared facts and reasons of rows of a batch, by the ids of their verdicts.

    Args:
        engine: the database.
        enqueued_at: of the batch.
        ids: of the rows.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(verdicts.c.id, verdicts.c.shared_facts, verdicts.c.reasons)
    statement = statement.where(
        verdicts.c.enqueued_at == enqueued_at, verdicts.c.id.in_([uuid.UUID(id_) for id_ in ids])
    )
    with translate_errors(engine), engine.connect() as connection:
        return {str(row["id"]): dict(row) for row in connection.execute(statement).mappings()}


def _of_jobs(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [jobs.c.domain == wanted.domain]
    if wanted.since is not None:
        conditions.append(jobs.c.enqueued_at >= wanted.since)
    return conditions
