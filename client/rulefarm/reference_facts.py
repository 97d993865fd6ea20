"""Reference facts, shared by name and key.  order service, cli -> [reference_facts] -> Redis -> store.fact_cache

    farm.facts.put("Customer", "2375", {"segment": "gold", "orders_before": 12})

Kept in Redis as canonical text under `rulefarm:facts:<Fact>:<key>`, until it is replaced or deleted. A worker
looks there when it judges a job; nothing is looked up here, and no schema is known here."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from rulefarm import wire
from rulefarm.errors import FactRejected, FactsUnreachable, JobRejected, SettingsError
from rulefarm.limits import MAX_FACT_CHARACTERS, MAX_NAME_CHARACTERS
from rulefarm.normalize import abbreviate
from rulefarm.redis_replies import outage_of, reason_of
from rulefarm.urls import RedisPlace, redis_place

#: Seconds to wait for a connection, and for an answer.
_CONNECT_TIMEOUT_S, _ANSWER_TIMEOUT_S = 3.0, 5.0
#: Facts that one pipeline carries.
_PORTION = 500
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class ReferenceFacts:
    """The reference facts of a farm. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Connect when first asked.

        Args:
            url: of Redis, in any spelling that `rulefarm.urls` takes.

        Raises:
            SettingsError: the URL is refused.
        """
        place = redis_place("RULEFARM_FACTS_URL", url)
        if place is None:
            raise SettingsError("no-facts", "the URL of the facts names no Redis or Valkey", "set RULEFARM_FACTS_URL")
        #: Which Redis; holds its password.
        self.url = url
        self._shown = place.shown
        self._place = place
        #: Process to its client. That of a parent is left alone: its locks may be held by threads that are not here.
        self._clients: dict[int, Any] = {}

    @property
    def redis(self) -> Any:
        """The client of this process, for what else is kept in the same place."""
        pid = os.getpid()
        if pid not in self._clients:
            self._clients[pid] = client(self._place)
        return self._clients[pid]

    def put(self, fact: str, key: str | int, document: Mapping[str, Any]) -> None:
        """Keep a fact, in the place of the one that was there.

        Args:
            fact: its name, as domain.toml declares it.
            key: what it is looked up by.
            document: its fields.

        Raises:
            FactRejected: name, key or fields can't be kept.
            FactsUnreachable: nothing was kept, as far as is known; put it again.
        """
        self.put_many(fact, [(key, document)])

    def put_many(self, fact: str, items: Iterable[tuple[str | int, Mapping[str, Any]]]) -> int:
        """Keep many facts, a few hundred in one round trip.

        Args:
            fact: their name.
            items: pairs of key and fields; may be longer than memory.

        Returns:
            How many were kept.

        Raises:
            FactRejected: one of them can't be kept; those before it may have been.
            FactsUnreachable: some may have been kept; put them again.
        """
        kept = 0
        for portion in _portions(items):
            texts = {_place(fact, key): _text(fact, key, document) for key, document in portion}
            with self.reachable():
                self.redis.mset(texts)
            kept += len(portion)
        return kept

    def get(self, fact: str, key: str | int) -> dict[str, Any] | None:
        """A fact; None if there is none.

        Args:
            fact: its name.
            key: as it was put.

        Raises:
            FactRejected: what is kept there is no fact: somebody else wrote it.
            FactsUnreachable: no answer.
        """
        return self.get_many(fact, [key])[str(key)]

    def get_many(self, fact: str, keys: Sequence[str | int]) -> dict[str, dict[str, Any] | None]:
        """Many facts in one round trip, by key; None where there is none.

        Args:
            fact: their name.
            keys: as they were put.

        Raises:
            FactRejected, FactsUnreachable: as `get`.
        """
        texts = self.texts([(fact, key) for key in keys])
        return {
            str(key): None if text is None else parsed(fact, str(key), text)
            for key, text in zip(keys, texts, strict=True)
        }

    def texts(self, pairs: Sequence[tuple[str, str | int]]) -> Sequence[str | None]:
        """The texts that are kept for pairs of fact and key, in one round trip; None where there is none.

        Raises:
            FactRejected: a name or key is none.
            FactsUnreachable: no answer.
        """
        places = [_place(fact, key) for fact, key in pairs]
        if not places:
            return []
        with self.reachable():
            texts: Sequence[str | None] = self.redis.mget(places)
        return texts

    def delete(self, fact: str, *keys: str | int) -> int:
        """Forget facts.

        Args:
            fact: their name.
            keys: as they were put.

        Returns:
            How many of them there were.

        Raises:
            FactRejected, FactsUnreachable: as `put`.
        """
        places = [_place(fact, key) for key in keys]
        with self.reachable():
            return int(self.redis.delete(*places)) if places else 0

    def list(self, fact: str) -> Iterator[str]:
        """The keys of a fact, in no order. One that is put or deleted meanwhile may be missing, or come twice.

        Raises:
            FactRejected, FactsUnreachable: as `get`.
        """
        prefix = _prefix(fact)
        with self.reachable():
            for place in self.redis.scan_iter(match=f"{prefix}*", count=1000):
                yield place[len(prefix) :]

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Turn what the client raises into an error that says so.

        Raises:
            FactsUnreachable: Redis does not answer, or answers that it can't.
        """
        try:
            yield
        except (redis.RedisError, OSError) as error:
            outage = outage_of(error)
            if outage.drops:
                # Behind its name may be another server by now.
                self.redis.connection_pool.disconnect(inuse_connections=False)
            raise FactsUnreachable(
                f"facts-{outage.code}",
                f"Redis with the facts at {self._shown} {outage.sentence}: {reason_of(error)}",
                outage.hint,
            ) from error

    def close(self) -> None:
        """Close the connections of this process."""
        if used := self._clients.pop(os.getpid(), None):
            used.close()


def client(place: RedisPlace) -> Any:
    """A client of Redis that neither hangs nor retries for long; typed as Any, for its own types allow for coroutines.

    Args:
        place: where it is.
    """
    options: dict[str, Any] = {
        "db": place.db,
        "username": place.user,
        "password": place.password,
        "decode_responses": True,
        "encoding_errors": "replace",
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": _ANSWER_TIMEOUT_S,
        # A pooled connection may have died with the last restart: one more try finds that out; none after a time-out.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        # redis-py tries again after a time-out whatever it is told, and would rather not be told.
        **{name: value for name, value in place.options.items() if name != "retry_on_timeout"},
        **({"ssl": True, **place.tls} if place.tls else {}),
    }
    if place.master_name:
        timeouts = {name: options[name] for name in ("socket_connect_timeout", "socket_timeout")}
        # Untyped in redis-py.
        sentinel: Any = Sentinel
        sentinels = sentinel(list(place.hosts), sentinel_kwargs={**timeouts, **place.sentinel_login})
        return sentinels.master_for(place.master_name, **options)
    if place.path:
        return redis.Redis(unix_socket_path=f"/{place.path}", **options)
    [(host, port)] = place.hosts
    return redis.Redis(host=host, port=port, **options)


def parsed(fact: str, key: str, text: str) -> dict[str, Any]:
    """The fact out of its text; whoever can reach Redis may have written it.

    Args:
        fact: its name, for the message.
        key: its key, for the message.
        text: as it is kept.

    Raises:
        FactRejected: `fact-unreadable`: it is no JSON object, or over a limit.
    """
    try:
        if len(text) > MAX_FACT_CHARACTERS:
            raise _too_large(text)
        return wire.parse(wire.canonical(wire.parse(text)))
    except JobRejected as error:
        raise FactRejected("fact-unreadable", f"{fact} {abbreviate(key)} as it is kept: {error.message}") from None


def _text(fact: str, key: str | int, document: Mapping[str, Any]) -> str:
    try:
        text = wire.canonical(document)
        if len(text) > MAX_FACT_CHARACTERS:
            raise _too_large(text)
        return text
    except JobRejected as error:
        raise FactRejected(error.code, f"{fact} {abbreviate(key)}: {error.message}", error.hint) from None


def _too_large(text: str) -> JobRejected:
    return JobRejected("facts-too-large", f"takes {len(text)} characters, over {MAX_FACT_CHARACTERS}")


def _prefix(fact: str) -> str:
    if not isinstance(fact, str) or not _NAME.match(fact) or len(fact) > MAX_NAME_CHARACTERS:
        raise FactRejected("bad-fact-name", f"{abbreviate(fact)} is no name of a fact", "as in domain.toml: Customer")
    return f"rulefarm:facts:{fact}:"


def _place(fact: str, key: str | int) -> str:
    prefix = _prefix(fact)
    if isinstance(key, bool):
        raise FactRejected("bad-key", f"{fact}: a key is a text or a whole number, not {abbreviate(key)}")
    try:
        # As text is compared: a key finds its fact, however its letters were typed.
        return prefix + unicodedata.normalize("NFC", wire.checked_key(str(key) if isinstance(key, int) else key))
    except JobRejected as error:
        raise FactRejected(error.code, f"{fact}: {error.message}", error.hint) from None


def _portions(items: Iterable[tuple[str | int, Mapping[str, Any]]]) -> Iterator[Sequence[tuple[str | int, Any]]]:
    iterator = iter(items)
    while portion := list(islice(iterator, _PORTION)):
        yield portion
