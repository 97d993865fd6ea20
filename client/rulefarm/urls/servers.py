"""What a URL of a broker or of results names.  settings -> [servers] -> messaging

Redis or Valkey is read in full. RabbitMQ is looked at and passed on as it is, for only kombu reads it. Anything else is
refused: it can carry messages, but not what the farm promises."""

import re
from importlib import import_module

from rulefarm.errors import SettingsError
from rulefarm.urls.parts import bad_url, split_url
from rulefarm.urls.redis_place import RedisPlace, redis_place

_RABBITMQ = ("amqp", "amqps", "pyamqp")
_EXAMPLE = "redis://:password@host:6379/0, or amqp://user:password@host:5672/vhost"


def broker_place(text: str) -> RedisPlace | None:
    """The Redis that is the broker; None: it is RabbitMQ.

    Raises:
        SettingsError: `bad-url`, `redis-cluster`, or `broker-unsupported`.
    """
    place = redis_place("RULEFARM_BROKER_URL", text)
    if place is None:
        _check_rabbitmq("RULEFARM_BROKER_URL", text)
    return place


def result_place(text: str) -> RedisPlace | None:
    """The Redis that keeps results; None: something else that Celery knows by this URL.

    Raises:
        SettingsError: `bad-url`, `redis-cluster`, or `results-unsupported`.
    """
    place = redis_place("RULEFARM_RESULT_URL", text)
    # Celery's own names of places, for whose sake no reader of Redis loads Celery.
    if place is None and _scheme(text).partition("+")[0] not in import_module("celery.app.backends").BACKEND_ALIASES:
        _refuse("RULEFARM_RESULT_URL", text, "results-unsupported", "Redis or Valkey", "redis://:password@host:6379/0")
    return place


def _check_rabbitmq(variable: str, text: str) -> None:
    if _scheme(text) not in _RABBITMQ:
        _refuse(variable, text, "broker-unsupported", "Redis, Valkey or RabbitMQ", _EXAMPLE)
    for part in text.strip().split(";"):
        split_url(variable, part, example=_EXAMPLE)


def _refuse(variable: str, text: str, code: str, wanted: str, example: str) -> None:
    scheme = _scheme(text)
    if not re.fullmatch("[a-z][a-z0-9+.-]*", scheme):
        # Whatever that is, it may be a password.
        raise bad_url(variable, "is no URL", f"write {example}")
    raise SettingsError(code, f"{variable} names {scheme}://, and not {wanted}", f"write {example}")


def _scheme(text: str) -> str:
    return text.strip().partition("://")[0].lower()
