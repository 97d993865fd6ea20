"""`rulefarm gateway`: the farm over HTTP."""

import click

from cli.options import read_settings
from rulefarm.optional_imports import require_extra


@click.command("gateway")
@click.option("--domains", help="Domains to serve, with commas between. Default: all that are published.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0: a free one."
)
@click.option("--region", help="Region that it is for, of those that RULEFARM_REGION_* name. Default: RULEFARM_REGION.")
@click.option(
    "--tokens", is_flag=True, help="Ask for tokens on loopback, too. Elsewhere every request needs one in any case."
)
@click.option(
    "--loglevel",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much it logs.",
)
def command(domains: str | None, host: str, port: int, region: str | None, tokens: bool, loglevel: str) -> None:
    """Run an HTTP gateway in the foreground: evaluate, submit, read. SIGTERM lets it answer what it has taken."""
    served = [domain.strip() for domain in domains.split(",")] if domains else []
    # An optional extra: a worker's host needs no HTTP server.
    gateway = require_extra("gateway.serve", "gateway", "rulefarm-server")
    options = gateway.GatewayOptions(
        domains=served, host=host, port=port, asks_for_tokens=tokens, loglevel=loglevel.upper()
    )
    settings = read_settings()
    gateway.run_gateway(settings.in_region(region) if region else settings, options)
