"""Which region takes what a producer submits.  farm -> [regions] -> the farm of the nearest region that is well

Each region is a whole farm. Each is asked in the background how far it is and how far behind, so that a call finds one
that answers without asking; a region that fails a call is left alone for some seconds, and a call that it did not take
goes to the next. What is sent twice that way has one id, and counts as one. Moves nothing from one region to another:
what a region has taken it judges when it is back."""

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from rulefarm.errors import FarmUnreachable, JobDead, JobRejected, NotFound, QueueFull, RulefarmError, SettingsError
from rulefarm.region import Region, RegionFarm, measure
from rulefarm.settings import Settings

_Farm = TypeVar("_Farm", bound=RegionFarm)
_Answer = TypeVar("_Answer")


def producer_regions(settings: Settings, region: str | None, fallback: Sequence[str] | None) -> list[str]:
    """The regions of a producer, its own first; none, if it knows of no regions.

    Args:
        settings: say what is not given.
        region: its own.
        fallback: those that take what its own does not.

    Raises:
        SettingsError: there are others, and none is its own.
    """
    own = region or settings.region
    if fallback is None:
        fallback = [name.strip() for name in (settings.region_fallback or "").split(",") if name.strip()]
    if own is None and fallback:
        raise SettingsError(
            "bad-region", "a fallback is named, and no region that it is for", "set RULEFARM_REGION, or give a region"
        )
    return list(dict.fromkeys([own, *fallback])) if own else []


class Regions(Generic[_Farm]):
    """The regions of one producer: its own first. Safe to share between threads, and to go on with after a fork."""

    def __init__(self, farms: Sequence[_Farm]) -> None:
        """Ask nobody yet.

        Args:
            farms: of each region, in the order in which they are preferred where they are as near.

        Raises:
            SettingsError: there are several, and one of them has no database.
        """
        if len(farms) > 1:
            for farm in farms:
                farm.require_ledger()
        self._regions = [Region(farm) for farm in farms]
        if self.are_several:
            for region in self._regions:
                region.farm.ask = region.call
        #: The process whose threads measure; those of a parent are not there in a process that was forked.
        self._pid = 0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def take(self, domain: str, wait_s: float | None, call: Callable[[_Farm, float | None], _Answer]) -> _Answer:
        """Have the nearest region that is well take something, or the next that does.

        Args:
            domain: who judges.
            wait_s: seconds to wait for room, once no region has any; None: for ever.
            call: has a farm take it, with the seconds to wait for room. It may be called again with another farm,
                though the one before has taken it.

        Raises:
            RulefarmError: no region took it: what the first said.
        """
        if not self.are_several:
            return call(self._regions[0].farm, wait_s)
        errors: list[RulefarmError] = []
        slow: list[Region[_Farm]] = []
        for region in self.nearest(domain):
            try:
                return region.call(partial(call, region.farm, 0.0))
            except FarmUnreachable as error:
                region.fail(error)
                errors.append(error)
                if error.code == "region-silent":
                    slow.insert(0, region)
            except QueueFull as error:
                errors.append(error)
                if wait_s != 0.0:
                    slow.append(region)
            except JobRejected as error:
                # The next may not have published that domain; if it is the job, the first said so.
                errors.append(error)
                break
        # With all the time that a farm without fallback has: the last that did not answer first, which may only
        # have been slow; then those without room, the nearest first.
        for region in slow:
            try:
                return call(region.farm, wait_s)
            except (FarmUnreachable, QueueFull) as error:
                errors.append(error)
        raise errors[0]

    def leave(self, name: str | None, error: FarmUnreachable) -> None:
        """Leave a region alone for a while, and go on with the next.

        Args:
            name: of the region.
            error: what was asked of it gave this.

        Raises:
            FarmUnreachable: this error, if there is no next.
        """
        if not self.are_several:
            raise error
        for region in self._regions:
            if region.name == name:
                region.fail(error)

    def ask(self, call: Callable[[_Farm], _Answer]) -> _Answer:
        """What a region answers; None only if none has more to say.

        Args:
            call: asks a farm.

        Raises:
            JobDead: a region says so, and none has a verdict.
            FarmUnreachable: no region knows of it, and one did not answer.
            NotFound: all answered, and none knows of it.
        """
        if not self.are_several:
            return call(self._regions[0].farm)
        nothing: list[_Answer] = []
        errors: list[RulefarmError] = []
        for region in self.nearest(""):
            try:
                answer = region.call(partial(call, region.farm))
            except FarmUnreachable as error:
                region.fail(error)
                errors.append(error)
            except (NotFound, JobDead) as error:
                errors.append(error)
            else:
                if answer is not None:
                    return answer
                nothing.append(answer)
        if nothing:
            return nothing[0]
        raise min(errors, key=lambda error: (isinstance(error, NotFound), isinstance(error, FarmUnreachable)))

    @property
    def are_several(self) -> bool:
        """Whether there is a choice; if not, nobody is measured."""
        return len(self._regions) > 1

    @property
    def silence_s(self) -> float | None:
        """Seconds after which a broker that says nothing is left for that of the next region, if there is one."""
        return self._regions[0].farm.settings.region_budget_s / 2 if self.are_several else None

    @property
    def farms(self) -> list[_Farm]:
        """Of all regions, in the order in which they were named."""
        return [region.farm for region in self._regions]

    def nearest(self, domain: str) -> list[Region[_Farm]]:
        """The regions, those first that are well, and of these the nearest.

        Args:
            domain: whose jobs are to be judged.
        """
        if self._pid != os.getpid():
            self._begin()
        well = [region for region in self._regions if region.trouble(domain) is None]
        if all(region.distance is not None for region in well):
            # A sort keeps the order of what is equal: that in which they were named.
            well.sort(key=lambda region: region.distance or 0)
        return well + [region for region in self._regions if region not in well]

    def close(self) -> None:
        """Measure no more."""
        self._stopped.set()
        for region in self._regions:
            region.close()

    def _begin(self) -> None:
        if self._pid not in (0, os.getpid()):
            # Whoever held them is the parent's.
            self._lock, self._stopped = threading.Lock(), threading.Event()
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            for region in self._regions:
                region.begin()
                threading.Thread(
                    target=measure,
                    args=(weakref.ref(region), self._stopped),
                    name=f"rulefarm-region-{region.name}",
                    daemon=True,
                ).start()
