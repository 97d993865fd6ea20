"""A service on asyncio has the same farm, and its event loop goes on whatever the farm's servers do."""

import asyncio
import inspect
import os
import socket
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from rulefarm import AsyncFarm, Farm
from rulefarm.database import jobs
from rulefarm.errors import DatabaseUnreachable, JobRejected, NotFound, VerdictPending
from rulefarm.settings import Settings
from tests.rows import rows

ORDER = {"Order": {"total": 12.5}}


def test_its_calls_take_and_raise_what_those_of_a_farm_do(settings: Settings, domain: str, database: Engine) -> None:
    async def use() -> None:
        async with AsyncFarm(settings) as farm:
            taken = await asyncio.gather(*(farm.submit(domain, ORDER, key=str(n)) for n in range(20)))
            assert all(job.sent for job in taken)
            assert len(await farm.submit_many(domain, [("a", ORDER), ("b", ORDER)])) == 2
            assert await farm.verdict(taken[0].id) is None
            with pytest.raises(VerdictPending):
                await farm.evaluate(domain, ORDER, key="waits", timeout=0.1)
            with pytest.raises(JobRejected):
                await farm.submit("unheard-of", ORDER)
            with pytest.raises(NotFound):
                await farm.verdict("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")

    asyncio.run(use())
    assert len(rows(database, jobs)) == 20 + 2 + 1


def test_the_loop_goes_on_while_a_server_says_nothing(settings: Settings) -> None:
    async def use() -> int:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=2"
            farm = AsyncFarm(replace(settings, database_url=url))
            call = asyncio.ensure_future(farm.submit("shop", ORDER))
            turns = 0
            while not call.done():
                await asyncio.sleep(0.01)
                turns += 1
            with pytest.raises(DatabaseUnreachable):
                await call
            await farm.close()
        return turns

    # Two seconds have two hundred of them; a loop that was blocked has one or two.
    assert asyncio.run(use()) > 10


def test_a_process_that_was_forked_has_threads_of_its_own(settings: Settings, domain: str, database: Engine) -> None:
    farm = AsyncFarm(settings)
    asyncio.run(farm.submit(domain, ORDER, key="parent"))
    pid = os.fork()
    if not pid:
        try:
            asyncio.run(asyncio.wait_for(farm.submit(domain, ORDER, key="child"), 30))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    asyncio.run(farm.close())
    assert {row.subject for row in rows(database, jobs)} == {"parent", "child"}


@pytest.mark.parametrize("name", ["submit", "submit_many", "evaluate", "wait", "verdict"])
def test_a_call_has_the_parameters_that_it_has_without_await(name: str) -> None:
    blocking = inspect.signature(getattr(Farm, name)).parameters
    awaited = inspect.signature(getattr(AsyncFarm, name)).parameters
    # A transaction of the caller's is of a session that blocks.
    assert [each for each in blocking if each != "connection"] == list(awaited)
    assert all(blocking[each].default == awaited[each].default for each in awaited)
