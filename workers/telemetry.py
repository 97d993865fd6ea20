"""Whether this process traces.  environment -> [telemetry] -> span_export

Processes of the farm trace when OpenTelemetry's variables name a collector, and else load nothing of it: a worker in
each process of its pool, whose thread that sends would not survive a fork, but is loaded before, so that they share it.
Makes no span."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery.signals import worker_process_init, worker_process_shutdown

from rulefarm.errors import SettingsError
from rulefarm.optional_imports import require_extra

log = logging.getLogger("rulefarm.workers")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether spans are to be sent: a collector is named, or OTLP is, and nothing says otherwise."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporter == "otlp" or (not exporter and any(environ.get(name) for name in _ENDPOINTS))


def trace_children(service: str) -> None:
    """Have every process of a worker's pool trace, from its start to its end.

    Args:
        service: what they are called.
    """
    export = _loaded()
    if export is None:
        return

    def begin(**_: object) -> None:
        export.begin(service)

    def end(**_: object) -> None:
        export.end()

    worker_process_init.connect(begin, weak=False)
    worker_process_shutdown.connect(end, weak=False)


@contextmanager
def traced_process(service: str) -> Iterator[None]:
    """Trace in this process, for as long as a block lasts.

    Args:
        service: what it is called.
    """
    export = _loaded()
    if export is None:
        yield
        return
    export.begin(service)
    try:
        yield
    finally:
        export.end()


def _loaded() -> Any:
    """What sends spans; None: nothing is to be sent, or can be."""
    if not is_wanted(os.environ):
        return None
    try:
        return require_extra("workers.span_export", "otel", "rulefarm-server")
    except SettingsError as error:
        # The variables may be those of a whole host: a farm without the extra works as ever.
        log.warning("nothing is traced: %s", error)
        return None
