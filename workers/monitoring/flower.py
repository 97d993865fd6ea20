"""Flower: workers, tasks and queues of the farm in a browser.  settings -> [flower] -> a web server

Listens on loopback, or asks for a password: it shows what jobs are about, and with a password it can also stop workers
and revoke tasks. Without one it only shows. Started here rather than by `celery flower` so that no option of it can be
set past these rules. Its `/metrics` and `/healthcheck` ask for no password: see docs/operations.md."""

import errno
import ipaddress
import logging
import signal
import time
from itertools import count
from types import FrameType
from typing import NoReturn

from celery import Celery
from flower.app import Flower
from flower.options import options
from flower.urls import settings as handler_settings
from tornado.ioloop import PeriodicCallback

from rulefarm.errors import SettingsError
from rulefarm.settings import Settings
from tasks.retry import pause_s

_log = logging.getLogger("rulefarm.flower")

#: Tasks kept in memory; 2 KiB each. The ledger keeps the rest.
_MAX_TASKS = 20_000
#: Columns of the tasks page; the arguments are the short text that the sender gave.
_COLUMNS = "name,kwargs,state,received,runtime,worker"
#: Milliseconds between two looks at which workers there are and which queues they take from. Flower itself looks once,
#: when it starts, often before they do.
_LOOK_MS = 15_000.0
#: Seconds between two tries at a port that is taken: the first time, and at most.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


def check_flower(settings: Settings) -> None:
    """Refuse to show the farm to the network without a password.

    Args:
        settings: flower_address and flower_password.

    Raises:
        SettingsError: an address that others can reach and no password, or a password that is no `user:password`.
    """
    if settings.flower_password is None:
        if not _is_loopback(settings.flower_address):
            raise SettingsError(
                "flower-needs-password",
                f"Flower would be open to the network on {settings.flower_address}",
                "set RULEFARM_FLOWER_PASSWORD=user:password, or leave RULEFARM_FLOWER_ADDRESS at 127.0.0.1",
            )
        return
    user, _, password = settings.flower_password.partition(":")
    if not user or not password or not settings.flower_password.isascii():
        raise SettingsError(
            "bad-setting", "RULEFARM_FLOWER_PASSWORD is no user:password in ASCII", "for example 'farmer:a-long-secret'"
        )


def start_flower(app: Celery, settings: Settings) -> int:
    """Run Flower until SIGINT or SIGTERM.

    A port that is taken is waited for: it may be that of a Flower that is about to end, and nothing else of the farm
    should stop for it.

    Args:
        app: the farm's application, with its tasks and its queues.
        settings: address, port, password.

    Returns:
        The exit code.

    Raises:
        SettingsError: `check_flower` refuses, or the address is none of this machine's.
    """
    check_flower(settings)
    port = settings.flower_port
    options.address = settings.flower_address
    options.port = port
    options.basic_auth = [settings.flower_password] if settings.flower_password else []
    options.read_only = settings.flower_password is None
    options.max_tasks = _MAX_TASKS
    options.tasks_columns = _COLUMNS
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    # It warns whenever no worker answers, as at every start of a farm; the workers page says so too.
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _leave)
    flower = Flower(capp=app, options=options, **handler_settings)
    try:
        _listen(flower, settings)
        _log.info("Flower is at http://%s:%d", _shown(settings.flower_address), settings.flower_port)
        PeriodicCallback(flower.update_workers, _LOOK_MS).start()
        flower.start()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        flower.stop()
    return 0


def _listen(flower: Flower, settings: Settings) -> None:
    for retries in count():
        try:
            flower.start_http_server()
            return
        except OSError as error:
            address = f"{_shown(settings.flower_address)}:{settings.flower_port}"
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(
                    "bad-setting",
                    f"Flower can't listen on {address}: {error.strerror}",
                    "see RULEFARM_FLOWER_ADDRESS and RULEFARM_FLOWER_PORT",
                ) from error
            pause = pause_s(retries, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
            _log.warning(
                "%s is taken by another program; trying again in %g s (RULEFARM_FLOWER_PORT names another port)",
                address,
                pause,
            )
            time.sleep(pause)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        # A name may mean anything, but for this one.
        return address == "localhost"


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
