"""Send what is on record, or say that the broker is away.  commands -> [sending] -> messages, exit code 3

Apart from what prints, so that a command that only reads loads no Celery."""

import sys
from typing import NoReturn

from celery import Celery

from cli.display.terminal import echo
from rulefarm.errors import BrokerUnreachable
from rulefarm.messaging import TaskMessage, send_messages


def exit_not_sent(what: str) -> NoReturn:
    """Say that something is on record but that no message of it was sent, and exit with code 3: the broker is away.

    Args:
        what: with its verb: `job 0b2c… is`.
    """
    message = f"{what} on record, but the broker does not answer: judged when it is back"
    echo(f"rulefarm: {message} [broker-unreachable]", err=True)
    sys.exit(3)


def send_or_exit(app: Celery, messages: list[TaskMessage], what: str) -> None:
    """Send messages; exit with code 3 if the broker does not answer.

    Args:
        app: from `rulefarm.messaging.create_app`.
        messages: to send.
        what: they are about, with its verb: see `exit_not_sent`.
    """
    try:
        send_messages(app, messages)
    except BrokerUnreachable:
        exit_not_sent(what)
