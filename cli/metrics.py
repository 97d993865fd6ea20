"""`rulefarm metrics`: the exporter that Prometheus scrapes."""

import logging
import signal

import click

from cli.display.terminal import echo
from cli.options import read_settings
from rulefarm.errors import DatabaseUnreachable
from workers.monitoring import SignalReader
from workers.monitoring.metrics import serve_metrics


@click.command("metrics")
@click.option(
    "--port", default=9540, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 is one that is free."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where it listens. It asks for no password.")
def command(port: int, address: str) -> None:
    """Answer Prometheus's scrapes in the foreground, with numbers from the ledger.

    One for a farm is enough; several give the same numbers.
    """
    if not address.strip():
        # A server that is given no address listens on all there are.
        raise click.BadParameter("an address of this machine, such as 127.0.0.1", param_hint="--address")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    reader = SignalReader(read_settings())
    try:
        # Every verdict on record is read now, and not while the first scrape waits.
        reader.read()
    except DatabaseUnreachable as error:
        echo(f"rulefarm: {error}; each scrape tries again [{error.code}]", err=True)
    port, thread = serve_metrics(reader, address, port)
    echo(f"http://{f'[{address}]' if ':' in address else address}:{port}/metrics")
    try:
        thread.join()
    except KeyboardInterrupt:
        pass
    finally:
        reader.close()
