"""Do together what is asked for at the same time.  coroutines -> [grouped] -> one call in a thread

While one group is at work the next gathers, so that a quiet gateway answers at once and a busy one needs fewer commits
and round trips. One thread for each kind of work: what it does is done by nobody else at the same time. Knows neither
HTTP nor database."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from gateway.problems import GatewayBusy

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

#: Things that one group does at most, and that wait at most: beyond, whoever asks is sent away, to come again.
MAX_GROUP, MAX_WAITING = 200, 4_000


class Grouped(Generic[_Asked, _Answer]):
    """Work that is done for several at once."""

    def __init__(
        self, name: str, work: Callable[[Sequence[_Asked]], Sequence[_Answer | Exception]], *, most: int = MAX_GROUP
    ) -> None:
        """Start no thread yet.

        Args:
            name: of the thread.
            work: gives an answer, or an error, for each thing that is asked, in order. What it raises is everybody's.
            most: things in one group.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._work = work
        self._most = most
        self._waiting: list[tuple[_Asked, asyncio.Future[_Answer]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, *asked: _Asked) -> list[_Answer]:
        """The answers to what is asked.

        Args:
            asked: any number of things.

        Raises:
            GatewayBusy: too many wait.
            Exception: the first error among the answers.
        """
        if len(self._waiting) + len(asked) > MAX_WAITING:
            raise GatewayBusy("gateway-busy", "the gateway has more to do than it takes on at once", "try again later")
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in asked]
        self._waiting += zip(asked, futures, strict=True)
        if self._worker is None:
            self._worker = loop.create_task(self._run())
        return await _all(futures)

    def close(self) -> None:
        """Let go of the thread, once it is done."""
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                answers = await loop.run_in_executor(self._thread, self._work, [asked for asked, _ in group])
            except Exception as error:
                answers = [error] * len(group)
            for (_, future), answer in zip(group, answers, strict=True):
                # Whoever asked may have left.
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._worker = None


async def _all(futures: Sequence["asyncio.Future[_Answer]"]) -> list[_Answer]:
    if len(futures) == 1:
        return [await futures[0]]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
