"""URLs as people have them become one spelling, or one error that says what to write and shows no password."""

import pickle
import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from sqlalchemy.engine import make_url

from rulefarm.errors import SettingsError
from rulefarm.settings import Settings
from rulefarm.urls import broker_place, database_url, redis_place, result_place, source_url

CASES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text(encoding="utf-8"))


def _database(text: str) -> tuple[str, dict[str, Any]]:
    return database_url("RULEFARM_DATABASE_URL", text), {}


def _redis(text: str) -> tuple[str, dict[str, Any]]:
    place = redis_place("RULEFARM_FACTS_URL", text)
    assert place is not None
    return place.celery_url, dict(place.options)


def _broker(text: str) -> tuple[str, dict[str, Any]]:
    place = broker_place(text)
    return place.celery_url if place else "", {}


def _result(text: str) -> tuple[str, dict[str, Any]]:
    place = result_place(text)
    return place.celery_url if place else "", {}


def _source(text: str) -> tuple[str, dict[str, Any]]:
    return source_url(text), {}


READERS: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "database": _database,
    "redis": _redis,
    "broker": _broker,
    "result": _result,
    "source": _source,
}


@pytest.mark.parametrize(
    ("kind", "case"),
    [(kind, case) for kind, cases in CASES.items() for case in cases],
    ids=lambda value: str(value)[:60],
)
def test_a_url_becomes_one_spelling_or_one_error(kind: str, case: dict[str, Any]) -> None:
    read = READERS[kind]
    if "gives" in case:
        given, options = read(case["url"])
        assert given == case["gives"]
        assert options == case.get("options", {})
        if kind in ("database", "redis"):
            # What is spelt once is not spelt otherwise the next time.
            assert read(given + ("?master_name=m" if given.startswith("sentinel") else ""))[0] == given
        return
    with pytest.raises(SettingsError) as caught:
        read(case["url"])
    assert caught.value.code == case["code"]
    assert case["says"] in str(caught.value)
    assert not any(word in str(caught.value) for word in ("secret", "sec@", "@ret", "ret@", "ec#"))


@pytest.mark.parametrize("case", [case for case in CASES["database"] if "gives" in case], ids=lambda case: case["url"])
def test_libpq_and_sqlalchemy_read_the_same_out_of_it(case: dict[str, Any]) -> None:
    url = make_url(case["gives"]).set(drivername="postgresql+psycopg2")
    _, options = url.get_dialect()().create_connect_args(url)
    by_libpq = psycopg2.extensions.parse_dsn(case["gives"])
    assert {name: str(value) for name, value in options.items()} == by_libpq


def test_tls_is_verified_unless_the_url_says_otherwise() -> None:
    required = redis_place("V", "rediss://h")
    assert required is not None
    assert required.tls == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    for spelling in ("none", "CERT_NONE"):
        trusting = redis_place("V", f"rediss://h?ssl_cert_reqs={spelling}")
        assert trusting is not None
        assert trusting.tls == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}
    mutual = redis_place("V", "rediss://h?ssl_ca_certs=/ca&ssl_certfile=/c&ssl_keyfile=/k&ssl_check_hostname=false")
    assert mutual is not None
    assert mutual.tls == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": False,
        "ssl_ca_certs": "/ca",
        "ssl_certfile": "/c",
        "ssl_keyfile": "/k",
    }


def test_neither_the_place_nor_its_parts_show_a_password() -> None:
    place = redis_place("V", "sentinel://u:hush@a,b/1?master_name=m&sentinel_password=whisper")
    assert place is not None
    assert place.shown == "sentinel://a:26379,b:26379/1 (master m)"
    assert "hush" not in repr(place)
    assert "whisper" not in repr(place)
    assert place.sentinel_options == {"master_name": "m", "sentinel_kwargs": {"password": "whisper"}}
    assert "hush" in pickle.loads(pickle.dumps(place)).celery_url


def test_a_url_is_refused_by_whoever_needs_it_and_by_nobody_else() -> None:
    settings = Settings.from_env({"RULEFARM_DATABASE_URL": "mysql://h/d", "RULEFARM_BROKER_URL": "redis://h"})
    assert settings.require_broker() == "redis://h"
    with pytest.raises(SettingsError, match="mysql"):
        settings.require_database()
    with pytest.raises(SettingsError, match="RULEFARM_BROKER_URL"):
        Settings(broker_url="amqp://h").require_facts()
    with pytest.raises(SettingsError, match="RULEFARM_FACTS_URL"):
        Settings(broker_url="redis://h", facts_url="redis:6379").require_facts()
