"""Who takes part.  rulefarm_farm, celery_queues, claim_loop, peers -> [contenders] -> command

Peers that are not installed are named, with the reason."""

import importlib
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bench.engines import Absent
from bench.farm.celery_queues import EmptyCelery, InsertingCelery
from bench.farm.claim_loop import ClaimLoop
from bench.farm.ground import Ground
from bench.farm.job_queue import PeerQueue

#: What every run has beside the farm.
ALWAYS: tuple[type[PeerQueue], ...] = (EmptyCelery, InsertingCelery, ClaimLoop)


@dataclass(frozen=True, slots=True)
class InstallablePeer:
    """A queue that may be installed."""

    #: The package, as the extra `bench` names it.
    package: str
    #: In `bench.farm.peers`.
    module: str
    queue: str
    #: The least version of Python that it installs on.
    python: tuple[int, int] = (3, 11)


PEERS = (
    InstallablePeer("pgqueuer", "pgqueuer", "Pgqueuer"),
    InstallablePeer("dramatiq", "dramatiq", "Dramatiq"),
    InstallablePeer("procrastinate", "procrastinate", "Procrastinate"),
    InstallablePeer("awa-pg", "awa", "Awa"),
    InstallablePeer("oban", "oban", "ObanQueue", python=(3, 12)),
)


def peers(only: Collection[str]) -> tuple[list[type[PeerQueue]], list[Absent]]:
    """Those that are installed, and who is missing.

    Args:
        only: packages that are asked for; none: all.
    """
    found: list[type[PeerQueue]] = []
    absent: list[Absent] = []
    for peer in PEERS:
        if only and peer.package not in only:
            continue
        if sys.version_info < peer.python:
            needed = ".".join(map(str, peer.python))
            absent.append(Absent(peer.package, f"needs Python {needed}, and this is {sys.version.split()[0]}"))
            continue
        try:
            module = importlib.import_module(f"bench.farm.peers.{peer.module}")
        except ImportError as error:
            absent.append(Absent(peer.package, f"not installed ({error})"))
            continue
        found.append(getattr(module, peer.queue))
    return found, absent


def opened(ground: Ground, kinds: list[type[PeerQueue]]) -> tuple[list[PeerQueue], list[Absent]]:
    """Each with its schema in place.

    Args:
        ground: where they run.
        kinds: who.

    Returns:
        Those that can be used, and who can't, with the reason.
    """
    ready: list[PeerQueue] = []
    absent: list[Absent] = []
    for number, kind in enumerate(kinds, start=1):
        make: Callable[[Ground, int], PeerQueue] = kind
        try:
            ready.append(make(ground, number))
        except Exception as error:  # Whatever another's library raises, the others are measured.
            absent.append(Absent(kind.name, f"does not start here ({type(error).__name__}: {error})"))
    return ready, absent
