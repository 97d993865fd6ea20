"""Whatever Postgres answers, a caller gets an error of ours that says what is the matter, and no connection is kept
that leads to a server which is not the one."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from rulefarm.database import connect, copy_rows, execute_alone, translate_errors
from rulefarm.errors import DatabaseRejected, DatabaseUnreachable, FarmUnreachable, RulefarmError
from rulefarm.farm import Farm
from rulefarm.settings import Settings

ORDER = {"Order": {"total": 12.5}}

#: SQLSTATE as Postgres raises it, and the code of our error.
STATES = [
    ("08006", "database-unreachable"),
    ("57P01", "database-unreachable"),
    ("57P03", "database-unreachable"),
    ("58030", "database-unreachable"),
    ("XX000", "database-unreachable"),
    ("25006", "database-read-only"),
    ("40001", "database-busy"),
    ("40P01", "database-busy"),
    ("55P03", "database-busy"),
    ("57014", "database-busy"),
    ("53100", "database-full"),
    ("53200", "database-busy"),
    ("53300", "database-busy"),
    ("28P01", "database-refused"),
    ("3D000", "database-refused"),
    ("42501", "database-forbidden"),
    ("42P01", "database-empty"),
    ("42703", "database-outdated"),
]
OURS = ["22P02", "23505", "23514", "42601", "22021", "P0001"]


def raising(state: str) -> str:
    return f"do $$ begin raise exception 'as asked' using errcode = '{state}'; end $$"


@pytest.mark.parametrize(("state", "code"), STATES)
def test_what_passes_or_is_to_be_mended_is_named_and_may_be_tried_again(
    database: Engine, state: str, code: str
) -> None:
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(database), database.begin() as connection:
        connection.execute(text(raising(state)))
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    assert "as asked" in caught.value.message
    if code != "database-unreachable":
        assert "does not answer" not in str(caught.value)
        assert "is it running" not in str(caught.value)
    with database.connect() as connection:
        assert connection.execute(text("select 1")).scalar() == 1


@pytest.mark.parametrize("state", OURS)
def test_what_is_our_mistake_is_no_matter_of_waiting(database: Engine, state: str) -> None:
    with pytest.raises(DatabaseRejected) as caught, translate_errors(database), database.begin() as connection:
        connection.execute(text(raising(state)))
    assert caught.value.code == "database-rejected"
    assert not isinstance(caught.value, FarmUnreachable)


@pytest.mark.parametrize(("value", "named"), [("a\x00", "NUL"), ("\udcff", "surrogate")])
def test_a_text_that_no_postgres_can_hold_is_refused_by_its_code(database: Engine, value: str, named: str) -> None:
    for ask in (lambda: execute_alone(database, "select %(x)s", {"x": value}), lambda: asked_for(database, value)):
        with pytest.raises(DatabaseRejected, match=named) as caught:
            ask()
        assert caught.value.code == "bad-text"


def asked_for(database: Engine, value: str) -> None:
    with translate_errors(database), database.connect() as connection:
        connection.execute(text("select :value"), {"value": value})


def test_what_the_driver_itself_raises_is_translated_too(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("create table kept (x integer)"))
        body = raising("53100").removeprefix("do ")
        connection.execute(text(f"create function refuse() returns trigger language plpgsql as {body}"))
        connection.execute(text("create trigger t before insert on kept for each row execute function refuse()"))
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(database), database.begin() as connection:
        copy_rows(connection, "kept", ("x",), [(1,)])
    assert caught.value.code == "database-full"


def become_read_only(engine: Engine) -> None:
    """As after a failover: the server that it leads to takes no writes any more, and says so only when asked."""
    with engine.connect() as connection:
        connection.execute(text("set session characteristics as transaction read only"))
        connection.commit()


def test_a_connection_that_became_read_only_is_thrown_away(farm: Farm, domain: str) -> None:
    farm.submit(domain, ORDER, key="before")
    engine = farm.require_ledger().engine
    become_read_only(engine)
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(engine), engine.begin() as connection:
        connection.execute(text("create table kept (x integer)"))
    assert caught.value.code == "database-read-only"
    farm.submit(domain, ORDER, key="after")


def test_a_job_is_written_over_another_connection_when_one_became_read_only(farm: Farm, domain: str) -> None:
    farm.submit(domain, ORDER, key="before")
    engine = farm.require_ledger().engine
    become_read_only(engine)
    job = farm.submit(domain, ORDER, key="during")
    assert farm.require_ledger().has_job(job.id)
    with engine.begin() as connection:
        assert connection.scalar(text("show transaction_read_only")) == "off"


def test_no_connection_is_made_to_a_server_that_takes_no_writes(settings: Settings, database: Engine) -> None:
    name = database.url.database
    with database.begin() as connection:
        connection.execute(text(f"alter database {name} set default_transaction_read_only = on"))
    standby = connect(settings)
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(standby), standby.connect():
        raise AssertionError("connected")
    assert caught.value.code == "database-read-only"
    standby.dispose()


def test_many_threads_before_a_locked_table_learn_that_it_is_busy(farm: Farm, domain: str, database: Engine) -> None:
    farm.submit(domain, ORDER, key="before")
    found: Counter[str] = Counter()
    longest = 0.0

    def submit(number: int) -> None:
        nonlocal longest
        begun = time.monotonic()
        try:
            farm.submit(domain, ORDER, key=f"{number}")
        except RulefarmError as error:
            found[error.code] += 1
        longest = max(longest, time.monotonic() - begun)

    with database.connect() as connection:
        connection.execute(text("lock table jobs in exclusive mode"))
        threads = [threading.Thread(target=submit, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {"database-busy": 20}
    # Waiting for a connection, and with it for the lock; far below half a minute, even on a busy machine.
    assert longest < 25
    farm.submit(domain, ORDER, key="after")


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_the_default_isolation_of_the_database_is_not_ours(
    settings: Settings, domain: str, database: Engine, isolation: str
) -> None:
    with database.begin() as connection:
        connection.execute(
            text(f"alter database {database.url.database} set default_transaction_isolation = '{isolation}'")
        )
    failed: list[BaseException] = []

    def submit() -> None:
        for number in range(30):
            try:
                farm.submit(domain, ORDER, key=f"{number}")
            except RulefarmError as error:
                failed.append(error)

    with Farm(settings) as farm:
        # The same jobs from several threads, as from a web client that asks again.
        threads = [threading.Thread(target=submit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_statement_that_hangs_is_interrupted_where_that_is_asked(settings: Settings) -> None:
    engine = connect(settings, statement_timeout_s=0.2)
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(engine), engine.connect() as connection:
        connection.execute(text("select pg_sleep(60)"))
    assert caught.value.code == "database-busy"
    engine.dispose()


#: What is wrong with a URL, and the code of our error; libpq hands on no SQLSTATE for these.
LOGINS = [
    ({"password": "wrong"}, "database-refused"),
    ({"username": "nobody"}, "database-refused"),
    ({"database": "nowhere"}, "database-refused"),
    ({"port": 1}, "database-unreachable"),
]


@pytest.mark.parametrize(("changed", "code"), LOGINS, ids=["password", "user", "database", "port"])
def test_whoever_is_not_let_in_learns_why(settings: Settings, changed: dict[str, object], code: str) -> None:
    url = make_url(settings.require_database()).set(**changed)  # type: ignore[arg-type]
    engine = connect(replace(settings, database_url=url.render_as_string(hide_password=False)))
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(engine), engine.connect():
        raise AssertionError("connected")
    assert caught.value.code == code
    assert str(url.password) not in str(caught.value)
    engine.dispose()


def test_what_the_url_asks_for_is_kept(settings: Settings) -> None:
    url = make_url(settings.require_database()).update_query_dict(
        {"options": "-c search_path=shop -c lock_timeout=7s", "application_name": "shop", "connect_timeout": "2"}
    )
    engine = connect(replace(settings, database_url=url.render_as_string(hide_password=False)))
    shown = "select current_setting('search_path'), current_setting('lock_timeout'), current_setting('timezone'),"
    with engine.connect() as connection:
        row = connection.execute(text(f"{shown} current_setting('application_name')")).one()
    assert tuple(row) == ("shop", "7s", "UTC", "shop")
    engine.dispose()


@pytest.fixture
def farm(settings: Settings) -> Iterator[Farm]:
    """A producer on the fresh database."""
    with Farm(settings) as producer:
        yield producer


def test_a_producer_never_sees_what_the_driver_raises(farm: Farm, domain: str, database: Engine) -> None:
    assert farm.ledger is not None
    with database.begin() as connection:
        connection.execute(text("alter table jobs rename to jobs_of_another_release"))
    for call in (
        lambda: farm.submit(domain, ORDER),
        lambda: farm.submit_many(domain, [ORDER]),
        lambda: farm.verdict("0b2c9c1e-7a8b-4c7e-9f53-5f0a5a0c1d2e"),
    ):
        with pytest.raises(DatabaseUnreachable) as caught:
            call()
        assert caught.value.code == "database-empty"
        assert isinstance(caught.value.__cause__, Exception)
        assert not isinstance(caught.value, psycopg2.Error)
