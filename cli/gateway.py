"""`rulefarm gateway`: the farm over HTTP."""

import click

from cli.options import read_settings, serving_options
from rulefarm.optional_imports import require_extra


@click.command("gateway")
@click.option("--domains", help="Domains to serve, with commas between. Default: all that are published.")
@serving_options(port=8080)
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
