"""`rulefarm alive`: whether the workers of this home are alive, at the price of a look at a file.

The console's command does not come here for the answer: see `cli.start`."""

import click

from workers.alive import answer


@click.command("alive")
def command() -> None:
    """Say by the exit code whether every worker of RULEFARM_HOME is alive: 0 yes, 1 no.

    For the liveness probe of an orchestrator, which asks every few seconds: it looks at the files that workers touch,
    and asks neither broker nor database. Whether the farm is well is for `rulefarm doctor` to say.
    """
    answer()
