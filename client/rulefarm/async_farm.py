"""The face of the farm for a service that runs on asyncio.  facts -> [async_farm] -> Farm, in threads of its own

    async with AsyncFarm.from_env() as farm:
        verdict = await farm.evaluate("payment", {"Order": {...}}, key="4711", timeout=5)

The same calls as `Farm`, with the same promises and errors, awaited. No call blocks the event loop: each runs in one of
a few threads, and to wait for a verdict holds none of them. Batches are for `farm`, in a thread of the caller's."""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from rulefarm.errors import FarmUnreachable
from rulefarm.farm import Farm
from rulefarm.intake import Intake
from rulefarm.jobs import Job
from rulefarm.seconds import wait_seconds
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict

_Answer = TypeVar("_Answer")


class AsyncFarm:
    """A producer's connection to a farm, for coroutines.

    A call that is cancelled goes on in its thread to its end: the job may be on record, and the same key with the same
    facts is the same job.

    Args:
        settings: as for `Farm`. As many calls run at once as `database_pool_size` says; the others wait their turn.
        region: as for `Farm`.
        fallback: as for `Farm`.

    Raises:
        SettingsError: as `Farm`.
    """

    def __init__(
        self, settings: Settings | None = None, *, region: str | None = None, fallback: Sequence[str] | None = None
    ) -> None:
        #: What the calls are made of: for what has no name here.
        self.farm = Farm(settings, region=region, fallback=fallback)
        #: Process to its threads: those of a parent are not there in a process that was forked.
        self._threads: dict[int, ThreadPoolExecutor] = {}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "AsyncFarm":
        """A farm as the environment describes it; see `Settings`."""
        return cls(Settings.from_env(os.environ if environ is None else environ))

    async def submit(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        digest: str | None = None,
        wait_for_room: float | None = 0.0,
    ) -> Job:
        """Take one job; as `Farm.submit`. Wait for its verdict by `wait`, for `Job.wait` blocks.

        Args:
            domain: who judges.
            facts: fact name to object, or to a list of objects.
            key: what is judged. Default: every call is a new job.
            as_of: the instant to judge at. Default: now.
            digest: of the ruleset that judges. Default: what is active then.
            wait_for_room: seconds to wait while the queue is full; None waits for ever. Default: not at all.
        """
        submit = partial(self.farm.submit, domain, facts, key=key, as_of=as_of)
        return await self._run(partial(submit, digest=digest, wait_for_room=wait_for_room))

    async def submit_many(
        self,
        domain: str,
        items: Iterable[Mapping[str, Any] | tuple[str | None, Mapping[str, Any]]],
        *,
        as_of: datetime | None = None,
        digest: str | None = None,
        wait_for_room: float | None = 0.0,
    ) -> list[Job]:
        """Take many jobs at once, all or none; as `Farm.submit_many`.

        Args:
            domain: who judges.
            items: facts, or pairs of key and facts.
            as_of: as for `submit`.
            digest: as for `submit`.
            wait_for_room: as for `submit`.
        """
        submit = partial(self.farm.submit_many, domain, items, as_of=as_of)
        return await self._run(partial(submit, digest=digest, wait_for_room=wait_for_room))

    async def evaluate(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        digest: str | None = None,
        timeout: float | None = 30.0,
    ) -> Verdict:
        """Submit one job and wait for its verdict; as `Farm.evaluate`.

        Args:
            domain: who judges.
            facts: fact name to object, or to a list of objects.
            key: what is judged. Default: every call is a new job.
            as_of: the instant to judge at. Default: now.
            digest: of the ruleset that judges. Default: what is active then.
            timeout: seconds to wait for the verdict; None waits for ever.
        """
        timeout = wait_seconds(timeout)
        farm, loop = self.farm, asyncio.get_running_loop()
        [(job, text)] = farm._new(domain, [(facts, key)], as_of, digest)
        ends = None if timeout is None else loop.time() + timeout
        taken = await self._run(partial(farm._take, job, text, 0.0))
        try:
            return await self._wait(taken, timeout, farm._regions.silence_s)
        except FarmUnreachable as error:
            farm._regions.leave(taken.region, error)
            again = await self._run(partial(farm._take, job, text, 0.0))
            return await self.wait(again, None if ends is None else max(0.0, ends - loop.time()))

    async def wait(self, job: Job, timeout: float | None = 30.0) -> Verdict:
        """Wait for the verdict of a job; as `Job.wait`.

        Args:
            job: as `submit` returned it.
            timeout: seconds; None waits for ever.
        """
        return await self._wait(job, timeout, None)

    async def _wait(self, job: Job, timeout: float | None, silence_s: float | None) -> Verdict:
        home = job.farm if isinstance(job.farm, Intake) else self.farm._home
        watch = home.watch(job, timeout, silence_s=silence_s)
        while (verdict := await self._run(watch.look)) is None:
            await asyncio.sleep(watch.pause_s())
        return verdict

    async def verdict(self, job_id: uuid.UUID | str) -> Verdict | None:
        """The verdict of a job; None while there is none yet. As `Farm.verdict`."""
        return await self._run(partial(self.farm.verdict, job_id))

    async def close(self) -> None:
        """Close the connections, once what runs has ended."""
        threads = self._threads.pop(os.getpid(), None)
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        await asyncio.to_thread(self.farm.close)

    async def __aenter__(self) -> "AsyncFarm":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, call: Callable[[], _Answer]) -> _Answer:
        pid = os.getpid()
        if pid not in self._threads:
            size = self.farm.settings.database_pool_size
            self._threads[pid] = ThreadPoolExecutor(size, thread_name_prefix="rulefarm")
        return await asyncio.get_running_loop().run_in_executor(self._threads[pid], call)
