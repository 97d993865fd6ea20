"""What is asked for again and again, asked once.  people who look -> [recent] -> one call in a thread, now and then

Whoever looks gets what was found last, at once, and has it asked for anew if it is not fresh; so a page is quick
however long the question takes, and ten people who look cost as much as one. While nobody looks nothing is asked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class LastAnswer(Generic[_Value]):
    """An answer, and when it came, by this host's clock."""

    value: _Value
    at: datetime


class Recent(Generic[_Value]):
    """The last answer to one question."""

    def __init__(self, name: str, ask: Callable[[], _Value], *, fresh_s: float, stale_s: float) -> None:
        """Ask nothing yet.

        Args:
            name: of the thread.
            ask: the question; it waits for its answer.
            fresh_s: seconds for which an answer is not asked for anew.
            stale_s: seconds after which nobody is shown it any more.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._ask = ask
        self._fresh_s, self._stale_s = fresh_s, stale_s
        self._found: LastAnswer[_Value] | Exception | None = None
        self._found_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def get(self, *, wait_s: float) -> LastAnswer[_Value] | None:
        """The last answer.

        Args:
            wait_s: seconds to wait for one, if there is none that can be shown.

        Returns:
            The answer; None: there is none yet.

        Raises:
            Exception: what the question raised when it was asked last.
        """
        loop = asyncio.get_running_loop()
        age_s = loop.time() - self._found_at
        if self._asking is None and (self._found is None or age_s >= self._fresh_s):
            self._asking = loop.create_task(self._run())
        if self._found is None or age_s >= self._stale_s:
            if self._asking is not None:
                await asyncio.wait({self._asking}, timeout=wait_s)
            if loop.time() - self._found_at >= self._stale_s:
                return None
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def close(self) -> None:
        """Let go of the thread, without waiting for what it asks."""
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._found = LastAnswer(await loop.run_in_executor(self._thread, self._ask), datetime.now(UTC))
        except Exception as error:
            self._found = error
        self._found_at, self._asking = loop.time(), None
