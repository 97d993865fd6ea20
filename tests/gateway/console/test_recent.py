"""Whoever looks gets what was found last at once, and no question is asked twice at a time, or for nobody."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.console.recent import Recent


class Question:
    """One that is answered when the test says so, with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Semaphore(0)
        self.at_once = 0
        self._under_way = 0

    def __call__(self) -> int:
        self.asked += 1
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        assert self.may_answer.acquire(timeout=60)
        self._under_way -= 1
        return self.asked


async def until_it_is(told: Callable[[], Any]) -> None:
    """Let the loop run until something holds."""
    async with asyncio.timeout(60):
        while not told():
            await asyncio.sleep(0.001)


async def value(recent: Recent[int], wait_s: float = 60) -> int | None:
    """What is told."""
    last = await recent.get(wait_s=wait_s)
    return None if last is None else last.value


def test_the_first_waits_and_all_who_wait_get_one_answer() -> None:
    async def look() -> None:
        question = Question()
        recent = Recent("test", question, fresh_s=60, stale_s=600)
        # For nobody nothing is asked.
        assert question.asked == 0
        assert await value(recent, wait_s=0) is None
        question.may_answer.release()
        assert await asyncio.gather(*(value(recent) for _ in range(10))) == [1] * 10
        # It is fresh.
        assert (await value(recent), question.asked) == (1, 1)

    asyncio.run(look())


def test_what_is_not_fresh_is_told_at_once_and_asked_for_anew() -> None:
    async def look() -> None:
        question = Question()
        recent = Recent("test", question, fresh_s=0, stale_s=600)
        question.may_answer.release()
        assert await value(recent) == 1
        # Whoever comes while it is asked for gets the one before.
        assert [await value(recent) for _ in range(3)] == [1, 1, 1]
        await until_it_is(lambda: question.asked == 2)
        question.may_answer.release()
        await until_it_is(lambda: recent._found.value == 2)  # type: ignore[union-attr]
        assert (await value(recent), question.at_once) == (2, 1)

    asyncio.run(look())


def test_what_takes_long_is_asked_less_often() -> None:
    async def look() -> None:
        loop, passed_s = asyncio.get_running_loop(), 0.0
        clock = loop.time
        loop.time = lambda: clock() + passed_s  # type: ignore[method-assign]
        question = Question()
        recent = Recent("test", question, fresh_s=1_000, stale_s=100_000)
        first = asyncio.create_task(value(recent, 100_000))
        await until_it_is(lambda: question.asked == 1)
        passed_s += 20
        question.may_answer.release()
        assert await first == 1
        # Sixty times as long as it took, and three times as long as it is fresh at most.
        for then_s, asked in ((1_100, 1), (200, 2)):
            passed_s += then_s
            assert await value(recent) == 1
            await until_it_is(lambda asked=asked: question.asked == asked)  # type: ignore[misc]
        passed_s += 10_000
        question.may_answer.release()
        await until_it_is(lambda: recent._asking is None)
        passed_s += 2_900
        assert (await value(recent), question.asked) == (2, 2)
        passed_s += 200
        assert await value(recent) == 2
        await until_it_is(lambda: question.asked == 3)
        question.may_answer.release()

    asyncio.run(look())


def test_what_is_stale_is_told_to_nobody() -> None:
    async def look() -> None:
        question = Question()
        recent = Recent("test", question, fresh_s=0, stale_s=0)
        question.may_answer.release()
        assert await value(recent, wait_s=0) is None
        question.may_answer.release(3)

    asyncio.run(look())


def test_an_error_is_told_until_there_is_an_answer() -> None:
    async def look() -> None:
        answers: list[Any] = [ConnectionError("away"), 7]

        def ask() -> int:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return int(answer)

        recent = Recent("test", ask, fresh_s=0, stale_s=600)
        with pytest.raises(ConnectionError):
            await value(recent)
        with pytest.raises(ConnectionError):
            await value(recent)
        await until_it_is(lambda: not answers and recent._asking is None)
        assert await recent.get(wait_s=0)

    asyncio.run(look())


def test_a_loop_that_ends_waits_for_no_answer() -> None:
    question = Question()

    async def look() -> None:
        assert await value(Recent("test", question, fresh_s=60, stale_s=60), wait_s=0) is None

    asyncio.run(look())
    # The answer comes to nobody, and is no error.
    question.may_answer.release()
