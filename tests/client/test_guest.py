"""A farm is a guest in the process of an order service: the host's Celery and its pools stay as they were, and it may
fork."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import Engine, func, select

from rulefarm.database import jobs
from rulefarm.settings import Settings

#: A service with a Celery application of its own and a shared task, as Django projects have it.
HOST = """
from celery import Celery, current_app, shared_task
import kombu.pools

shop = Celery("shop", broker="memory://shop", backend="cache+memory://")
shop.conf.task_default_queue = "shop-mail"
shop.conf.broker_pool_limit = 25
kombu.pools.set_limit(25)

@shared_task
def send_mail(to): ...

def shown():
    mailer = send_mail.app
    return current_app.main, mailer.main, mailer.connection_for_write().as_uri(), kombu.pools.get_limit()

before = shown()
from rulefarm import Farm
with Farm.from_env() as farm:
    assert shown() == before, shown()
    job = farm.submit(DOMAIN, {"Order": {"total": 1}}, key="host")
    assert job.sent
    assert shown() == before, shown()
    send_mail.delay("a@example.org")
    with shop.connection_for_write() as connection:
        assert connection.default_channel.queue_declare("shop-mail", passive=True).message_count == 1
    with farm.app.connection_for_write() as connection:
        names = connection.default_channel.client.keys("*")
    assert not [name for name in names if b"shop" in name or name == b"celery"]
assert shown() == before, shown()
print("as before:", *before)
"""

#: A process that has used its farm forks, as gunicorn does with --preload; all go on to use it at once.
FORKING = """
import os, sys, threading
from rulefarm import Farm

farm = Farm.from_env()
farm.submit(DOMAIN, {"Order": {"total": 1}}, key="before")

def use(name):
    for number in range(40):
        job = farm.submit(DOMAIN, {"Order": {"total": number}}, key=f"{name}-{number}")
        assert farm.verdict(job.id) is None
        assert job.sent
    assert len(farm.submit_many(DOMAIN, [(f"{name}-many-{n}", {"Order": {"total": n}}) for n in range(40)])) == 40
    assert farm.facts.put_many("Customer", [(f"{name}-{n}", {"n": n}) for n in range(20)]) == 20

for round in range(3):
    # A thread of the parent that is in the middle of something holds connections, and locks.
    threads = [threading.Thread(target=use, args=(f"{round}-parent-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    children = []
    for child in range(4):
        pid = os.fork()
        if not pid:
            try:
                use(f"{round}-{child}")
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        children.append(pid)
    for thread in threads:
        thread.join()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
print("done")
"""

#: A process forks while a thread of it is in the middle of something, and never finds out what became of that.
INTERRUPTED = """
import faulthandler, os, threading
from rulefarm import Farm
from rulefarm.messaging.forked_locks import cached_properties

farm = Farm.from_env()
farm.submit(DOMAIN, {"Order": {"total": 1}}, key="before")
farm.facts.put("Customer", "before", {"n": 1})
holds, forked = threading.Event(), threading.Event()

def hold():
    pool = farm.facts.redis.connection_pool
    locks = [pool._lock, *(attribute.lock for attribute in cached_properties())]
    assert len(locks) > 10
    for lock in locks:
        lock.acquire()
    holds.set()
    forked.wait()
    for lock in locks:
        lock.release()

holder = threading.Thread(target=hold)
holder.start()
holds.wait()
pid = os.fork()
if not pid:
    faulthandler.dump_traceback_later(60, exit=True)
    sent = farm.submit(DOMAIN, {"Order": {"total": 2}}, key="child").sent
    farm.facts.put("Customer", "child", {"n": 2})
    os._exit(0 if sent else 2)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
forked.set()
holder.join()
print(code, farm.submit(DOMAIN, {"Order": {"total": 3}}, key="after").sent, farm.facts.get("Customer", "child"))
"""

#: A process forks while a thread of it waits for a Postgres that accepts connections and says nothing.
CONNECTING = """
import os, socket, threading, time
from rulefarm.database import connect
from rulefarm.errors import DatabaseUnreachable
from rulefarm.database import translate_errors
from rulefarm.settings import Settings

silent = socket.create_server(("127.0.0.1", 0))
engine = connect(Settings(database_url=f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=60"))
ended = threading.Event()

def try_it():
    try:
        with translate_errors(engine):
            engine.connect()
    except DatabaseUnreachable:
        ended.set()

trying = threading.Thread(target=try_it)
trying.start()
silent.accept()
pid = os.fork()
if not pid:
    os._exit(0)
# Its own time is twice as long.
print(ended.wait(30))
os.waitpid(pid, 0)
trying.join()
"""


def run(script: str, settings: Settings, domain: str) -> str:
    """Run a host in a process of its own, which may not hang."""
    environ = {
        **os.environ,
        "RULEFARM_BROKER_URL": settings.require_broker(),
        "RULEFARM_DATABASE_URL": settings.require_database(),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"DOMAIN = {domain!r}\n{script}"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_hosts_own_celery_is_not_touched(settings: Settings, domain: str) -> None:
    assert run(HOST, settings, domain).startswith("as before: shop shop memory://")


def test_a_child_waits_for_no_lock_that_a_thread_of_its_parent_held(settings: Settings, domain: str) -> None:
    assert run(INTERRUPTED, settings, domain) == "0 True {'n': 2}\n"


def test_a_fork_waits_for_whoever_connects(settings: Settings, domain: str) -> None:
    assert run(CONNECTING, settings, domain) == "True\n"


@pytest.mark.parametrize("repeat", range(2))
def test_a_fork_starts_afresh_and_loses_no_job(settings: Settings, domain: str, database: Engine, repeat: int) -> None:
    assert run(FORKING, settings, domain) == "done\n"
    with database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(jobs)).scalar() == 1 + 3 * 6 * 80
