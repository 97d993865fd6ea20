"""`rulefarm worker`: take jobs and judge them."""

import sys

import click

from cli.options import read_settings
from workers.start import WorkerOptions, run_worker


@click.command("worker")
@click.option(
    "--domains",
    help="Domains to serve, with commas between. Default: all that are published, and all of RULEFARM_RULESETS.",
)
@click.option(
    "--queue",
    type=click.Choice(["interactive", "bulk"]),
    default="interactive",
    show_default=True,
    help="Single jobs, or the chunks of batches: a worker takes one kind, so a batch never delays a job.",
)
@click.option(
    "--autoscale", default="4,1", show_default=True, metavar="MAX,MIN", help="Processes at most, and at least."
)
@click.option("--name", help="Name before the @host. Default: made of the domains and the queue.")
@click.option(
    "--loglevel",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much it logs.",
)
def command(domains: str | None, queue: str, autoscale: str, name: str | None, loglevel: str) -> None:
    """Run a worker in the foreground. SIGTERM lets it finish what it has begun."""
    settings = read_settings()
    served = [domain.strip() for domain in domains.split(",")] if domains else []
    options = WorkerOptions(
        domains=served, bulk=queue == "bulk", autoscale=_autoscale(autoscale), name=name, loglevel=loglevel.upper()
    )
    sys.exit(run_worker(settings, options))


def _autoscale(text: str) -> tuple[int, int]:
    try:
        maximum, _, minimum = text.partition(",")
        scale = int(maximum), int(minimum or 1)
    except ValueError:
        scale = (0, 0)
    if not 1 <= scale[1] <= scale[0]:
        raise click.BadParameter(f"{text!r} is not MAX,MIN, like 8,1", param_hint="--autoscale")
    return scale
