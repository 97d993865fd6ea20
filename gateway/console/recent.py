"""What is asked for again and again, asked once.  people who look -> [recent] -> one call in a thread, now and then

Whoever looks gets what was found last, at once, and has it asked for anew if it is not fresh; so a page is quick
however long the question takes, and ten people who look cost as much as one. Beside a farm that is busy, where it takes
long, it is asked less often. While nobody looks nothing is asked."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

#: How many times as long as a question took it is not asked again, so that it takes a sixtieth of a core; and how many
#: times as long as it is fresh at most.
_REST, _MOST = 60, 3


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
            name: of the thread in which it is asked.
            ask: the question; it waits for its answer, and is asked by one thread at a time.
            fresh_s: seconds for which an answer is not asked for anew; more of them, if it took long.
            stale_s: seconds after which nobody is shown it any more.
        """
        self._name = name
        self._ask = ask
        self._fresh_s, self._stale_s = fresh_s, stale_s
        self._rest_s = fresh_s
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
        if self._asking is None and (self._found is None or age_s >= self._rest_s):
            self._asking = loop.create_task(self._run())
        if self._found is None or age_s >= self._stale_s:
            if self._asking is not None:
                await asyncio.wait({self._asking}, timeout=wait_s)
            if loop.time() - self._found_at >= self._stale_s:
                return None
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answered: asyncio.Future[LastAnswer[_Value] | Exception] = loop.create_future()

        def ask() -> None:
            found = self._answer()
            # The gateway may have ended meanwhile: it waits for nobody's curiosity, so the thread is a daemon.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(answered.set_result, found)

        threading.Thread(target=ask, name=self._name, daemon=True).start()
        self._found = await answered
        self._found_at, self._asking = loop.time(), None
        self._rest_s = min(max(self._fresh_s, _REST * (self._found_at - began)), _MOST * self._fresh_s)

    def _answer(self) -> LastAnswer[_Value] | Exception:
        try:
            return LastAnswer(self._ask(), datetime.now(UTC))
        except Exception as error:
            return error
