"""`rulefarm console`: the farm as pages for people."""

import click

from cli.options import read_settings, serving_options
from rulefarm.optional_imports import require_extra


@click.command("console")
@serving_options(port=8081)
def command(host: str, port: int, region: str | None, tokens: bool, loglevel: str) -> None:
    """Run the console in the foreground: what waits, verdicts and why, batches, rules, dead letters, health.

    A gateway serves the same pages under /console. SIGTERM ends it.
    """
    gateway = require_extra("gateway.serve", "gateway", "rulefarm-server")
    options = gateway.GatewayOptions(
        host=host, port=port, asks_for_tokens=tokens, loglevel=loglevel.upper(), is_console=True
    )
    settings = read_settings()
    gateway.run_gateway(settings.in_region(region) if region else settings, options)
