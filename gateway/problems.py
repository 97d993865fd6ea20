"""Errors as HTTP has them: RFC 9457, with our stable codes.  error -> [problems] -> application/problem+json

Every answer that is no success comes from here, so that a program branches on `code` whatever went wrong, and whoever
calls never sees a traceback, a path or a statement of SQL that is not in a message of ours."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine import EngineError
from gateway.caller_words import hint_of
from rulefarm.errors import (
    DatabaseRejected,
    FarmUnreachable,
    JobDead,
    JobRejected,
    NotFound,
    QueueFull,
    RulefarmError,
    SettingsError,
    SourceRejected,
    VerdictPending,
)

log = logging.getLogger("rulefarm.gateway")

MEDIA_TYPE = "application/problem+json"


class RequestRefused(RulefarmError):
    """A request that the gateway does not take, whatever it is about."""


class GatewayBusy(RulefarmError):
    """The gateway has as much to do as it takes on at once, or what it did took too long."""


def no_answer_within(seconds: float) -> GatewayBusy:
    """The error of what takes too long."""
    message = f"no answer within {seconds:g} s"
    return GatewayBusy("request-timeout", message, "ask again; with the same key it is the same job")


#: By code, where the class says too little.
_STATUS_OF_CODE = {
    "bad-json": HTTPStatus.BAD_REQUEST,
    "duplicate-name": HTTPStatus.BAD_REQUEST,
    "unknown-domain": HTTPStatus.NOT_FOUND,
    "facts-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too-many-subjects": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "no-token": HTTPStatus.UNAUTHORIZED,
    "token-unfit": HTTPStatus.FORBIDDEN,
    "host-unfit": HTTPStatus.FORBIDDEN,
    "form-unfit": HTTPStatus.FORBIDDEN,
    "no-such-path": HTTPStatus.NOT_FOUND,
    "method-unfit": HTTPStatus.METHOD_NOT_ALLOWED,
    "not-revivable": HTTPStatus.CONFLICT,
    "needs-record": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown-format": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
_STATUS_OF_CLASS: Mapping[type[Exception], HTTPStatus] = {
    RequestRefused: HTTPStatus.BAD_REQUEST,
    JobRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    SourceRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    NotFound: HTTPStatus.NOT_FOUND,
    JobDead: HTTPStatus.CONFLICT,
    VerdictPending: HTTPStatus.SERVICE_UNAVAILABLE,
    FarmUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    GatewayBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    DatabaseRejected: HTTPStatus.INTERNAL_SERVER_ERROR,
}
#: Seconds after which a caller may try again what can pass by itself.
RETRY_AFTER_S = {HTTPStatus.TOO_MANY_REQUESTS: 1, HTTPStatus.SERVICE_UNAVAILABLE: 1}
#: What goes wrong behind the gateway.
_INNER = (FarmUnreachable, DatabaseRejected, SettingsError, EngineError)
OF_INNER = "something that the gateway stands on can't do its part"
INNER_HINT = "try again later; the gateway's log says more"
#: What the server of connections, or the router, says without words of ours.
_PLAIN = {
    404: RequestRefused("no-such-path", "nothing is served at this path", "GET / lists what is"),
    405: RequestRefused("method-unfit", "this path takes another method", "GET / lists what each takes"),
}


def response_of(error: Exception) -> Response:
    """The answer to a request that failed.

    Args:
        error: ours, of the router, or anything else: that is logged with its traceback, and told without.
    """
    if isinstance(error, HTTPException) and error.status_code in _PLAIN:
        refused = _PLAIN[error.status_code].to_json()
        return _response(HTTPStatus(error.status_code), refused, dict(error.headers or {}))
    if isinstance(error, RulefarmError | EngineError):
        status, document = status_of(error), error.to_json()
        if is_inner(error):
            log_inner(error)
            document = {"code": error.code, "message": OF_INNER, "hint": INNER_HINT}
        else:
            document["hint"] = hint_of(error.code, document["hint"])
        return _response(status, document)
    log.error("a request failed", exc_info=error)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, internal_error().to_json())


def internal_error() -> RulefarmError:
    """What is told of an error that is none of ours."""
    return RulefarmError("internal-error", "the gateway failed on this request", "its log says why: report it")


def is_inner(error: Exception) -> bool:
    """Whether an error is of what stands behind the gateway: its message names hosts and users, and is not told."""
    return isinstance(error, _INNER)


def log_inner(error: RulefarmError | EngineError) -> None:
    """Tell the log, and its reader, what whoever asked is not told."""
    if is_inner(error):
        log.warning("%s [%s]", error, error.code)


def status_of(error: RulefarmError | EngineError) -> HTTPStatus:
    """The status that an error of ours has."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    found = (_STATUS_OF_CLASS[kind] for kind in type(error).__mro__ if kind in _STATUS_OF_CLASS)
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_document(status: HTTPStatus, error: Mapping[str, Any]) -> dict[str, Any]:
    """A problem of RFC 9457.

    Args:
        status: of the response.
        error: code, message and hint.
    """
    document = {
        "type": f"urn:rulefarm:problem:{error['code']}",
        "title": status.phrase,
        "status": int(status),
        "detail": error["message"],
        "code": error["code"],
    }
    return document | ({"hint": error["hint"]} if error.get("hint") else {})


def _response(status: HTTPStatus, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    more = dict(headers or {})
    if status in RETRY_AFTER_S:
        more["Retry-After"] = str(RETRY_AFTER_S[status])
    if status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        # What is left of the body is not read.
        more["Connection"] = "close"
    content = json.dumps(problem_document(status, error), ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, more, media_type=MEDIA_TYPE)
