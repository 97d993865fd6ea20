"""Events through a farm, each when the one before it has its verdict.  documents -> [waves] -> farm -> verdicts

What a shop does by itself, for a household pays once at a time; here for all households side by side. The k-th event of
every key is in wave k, and a wave is sent when the verdicts of the one before are there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.verdict import Verdict

#: Sends the documents of a wave.
Send = Callable[[Sequence[Mapping[str, Any]]], list[Job]]


def waves(documents: Sequence[Mapping[str, Any]], key: tuple[str, str]) -> Iterator[list[int]]:
    """Put documents into waves.

    Args:
        documents: in the order of time.
        key: the fact and the field whose events are to come one after the other.

    Returns:
        The places of a wave's documents.
    """
    before: dict[Any, int] = {}
    places: list[list[int]] = []
    for place, document in enumerate(documents):
        value = document[key[0]][key[1]]
        wave = before.get(value, 0)
        before[value] = wave + 1
        if wave == len(places):
            places.append([])
        places[wave].append(place)
    yield from places


def judge_in_waves(
    farm: Farm,
    documents: Sequence[Mapping[str, Any]],
    key: tuple[str, str],
    send: Send,
    *,
    timeout: float = 300.0,
    on_progress: Callable[[int], None] = lambda count: None,
) -> list[Verdict]:
    """Judge documents, wave by wave.

    Args:
        farm: judges them.
        documents: in the order of time.
        key: as for `waves`.
        send: sends a wave.
        timeout: seconds for the verdict on each.
        on_progress: called after each wave with the number of verdicts so far; default: nothing.

    Returns:
        One verdict a document, in order.

    Raises:
        VerdictPending, JobDead: as `Farm.wait`.
    """
    verdicts: dict[int, Verdict] = {}
    for wave in waves(documents, key):
        jobs = send([documents[place] for place in wave])
        verdicts |= {place: farm.wait(job, timeout) for place, job in zip(wave, jobs, strict=True)}
        on_progress(len(verdicts))
    return [verdicts[place] for place in range(len(documents))]
