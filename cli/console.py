"""`rulefarm console`: the farm as pages for people."""

import click

from cli.options import read_settings
from rulefarm.optional_imports import require_extra


@click.command("console")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0: a free one."
)
@click.option("--region", help="Region that it is for, of those that RULEFARM_REGION_* name. Default: RULEFARM_REGION.")
@click.option(
    "--tokens", is_flag=True, help="Ask for a token on loopback, too. Elsewhere one is asked for in any case."
)
@click.option(
    "--loglevel",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much it logs.",
)
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
