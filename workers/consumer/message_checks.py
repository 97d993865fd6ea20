"""Checks of a message before anything is done with it.  message -> [message_checks] -> consumer

Whoever can reach the broker can put anything on a queue: not JSON at all, another content, another task, arguments of
Celery that start tasks or lift time limits. Pure: says what is wrong, by name, and does nothing about it. The arguments
of the judging tasks are checked by `rulefarm.messaging.messages`."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.utils.json import loads

from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_MESSAGE_BYTES
from rulefarm.normalize import abbreviate, check_storable

#: The one content that is taken.
JSON = "application/json"
#: Tasks that Celery would start when this one has ended.
_EXTRAS = ("callbacks", "errbacks", "chain", "chord")
#: Characters of a task's id.
_MAX_ID = 200


def check_envelope(item: bytes) -> None:
    """Refuse what kombu can't unpack from a Redis list: it would take the worker's loop with it.

    Args:
        item: as it was pushed.

    Raises:
        JobRejected: `message-too-large`, `no-envelope` or `message-compressed`.
    """
    if len(item) > MAX_MESSAGE_BYTES:
        raise JobRejected("message-too-large", f"a message of {len(item)} bytes, over {MAX_MESSAGE_BYTES}")
    try:
        message = loads(item)
    # Kombu makes objects of {"__type__": …}, and anything may go wrong with that.
    except Exception as error:
        raise _no_envelope(f"it is no JSON: {type(error).__name__}") from None
    _needs(message, dict, "a message")
    properties = _needs(message.get("properties"), dict, "properties")
    delivery = _needs(properties.get("delivery_info"), dict, "delivery_info")
    for name, value in (
        ("delivery_tag", properties.get("delivery_tag")),
        ("exchange", delivery.get("exchange")),
        ("routing_key", delivery.get("routing_key")),
    ):
        _storable(_needs(value, str, name), name)
    for name in ("content-type", "content-encoding"):
        _needs(message.get(name) or "", str, name)
    headers = _needs(message.get("headers") or {}, dict, "headers")
    if headers.get("compression"):
        raise JobRejected("message-compressed", "a compressed message: what it unpacks to has no bound")
    body = _needs(message.get("body") or "", str, "body")
    encoding = properties.get("body_encoding") or ""
    if encoding == "base64":
        try:
            base64.b64decode(body.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            raise _no_envelope("its body is not base64") from None
    elif encoding not in ("", "utf-8"):
        raise _no_envelope(f"its body's encoding is {abbreviate(encoding)}")
    else:
        _storable(body, "body")


def check_message(message: Any, tasks: Mapping[str, Any]) -> None:
    """Refuse what is no plain call of a task of ours.

    Args:
        message: kombu's.
        tasks: name to task, of those that this worker knows.

    Raises:
        JobRejected: `message-too-large`, `bad-content`, `unknown-task` or `bad-message`.
    """
    # On another broker than Redis nothing was looked at before.
    if len(message.body or b"") > MAX_MESSAGE_BYTES:
        raise JobRejected("message-too-large", f"a message of {len(message.body)} bytes, over {MAX_MESSAGE_BYTES}")
    if message.content_type != JSON:
        raise JobRejected("bad-content", f"a message of content {abbreviate(message.content_type)}, not {JSON}")
    headers = message.headers
    task = headers.get("task")
    if not isinstance(task, str) or task not in tasks:
        raise JobRejected("unknown-task", f"a message for the task {abbreviate(task)}")
    _check_headers(headers)
    try:
        payload = message.payload
    except (ContentDisallowed, DecodeError) as error:
        raise JobRejected("bad-content", f"a message for {task} that is no JSON: {str(error)[:200]}") from None
    if not isinstance(payload, list) or [type(part) for part in payload] != [list, dict, dict]:
        raise JobRejected("bad-message", f"a message for {task} that is not arguments, named ones and options")
    arguments, named, options = payload
    if arguments:
        raise JobRejected("bad-message", f"a message for {task} with arguments that have no name")
    for name in _EXTRAS:
        if options.get(name):
            raise JobRejected("bad-message", f"a message for {task} with {name}")
    try:
        # What a task is called with, besides itself, which its function names `task`.
        tasks[task].__header__(**named)
        fits = "task" not in named
    except TypeError:
        fits = False
    if not fits:
        raise JobRejected("bad-message", f"a message for {task} with other arguments than it takes")


def _check_headers(headers: Mapping[str, Any]) -> None:
    id_ = headers.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _MAX_ID:
        raise JobRejected("bad-message", f"a message whose task has the id {abbreviate(id_)}")
    check_storable(id_, "the id of a task")
    if type(headers.get("retries") or 0) is not int:
        raise JobRejected("bad-message", f"a message whose retries are {abbreviate(headers['retries'])}")
    for name in ("eta", "expires", "shadow", "root_id", "parent_id", "group", "argsrepr", "kwargsrepr"):
        value = headers.get(name)
        if value is not None and not isinstance(value, str):
            raise JobRejected("bad-message", f"a message whose {name} is {abbreviate(value)}")


def _needs(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind):
        raise _no_envelope(f"{name} is {abbreviate(value)}")
    return value


def _storable(text: str, name: str) -> None:
    try:
        check_storable(text, name)
    except JobRejected as error:
        raise _no_envelope(error.message) from None


def _no_envelope(flaw: str) -> JobRejected:
    return JobRejected("no-envelope", f"something that is no message: {flaw}")
