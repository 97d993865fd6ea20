"""`rulefarm flower`: workers, tasks and queues in a browser."""

import sys

import click

from cli.options import read_settings
from workers.celery_app import create_worker_app
from workers.monitoring.flower import start_flower


@click.command("flower")
def command() -> None:
    """Run Flower in the foreground: workers, tasks and queues in a browser.

    Listens on 127.0.0.1 unless RULEFARM_FLOWER_ADDRESS says otherwise, and then only with RULEFARM_FLOWER_PASSWORD.
    """
    settings = read_settings()
    sys.exit(start_flower(create_worker_app(settings, shows=True), settings))
