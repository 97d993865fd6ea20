"""`rulefarm tokens`: who may use a gateway, and for what."""

import click

from cli.display.instants import to_second
from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import json_option, read_settings
from rulefarm.database import connect
from store.tokens import SCOPES, add_token, list_tokens, revoke_token


@click.group("tokens")
def command() -> None:
    """Tokens of whoever uses a gateway: one each for a service, so that one can be revoked alone."""


@command.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it is for; several times. Default: all but operate and facts, which are for people.",
)
@click.option("--domains", help="Domains that it is for, with commas between. Default: every one.")
def add(name: str, scopes: tuple[str, ...], domains: str | None) -> None:
    """Make a token for NAME, and print it: nobody can do so again."""
    wanted = [domain.strip() for domain in domains.split(",")] if domains else []
    echo(add_token(connect(read_settings()), name, scopes, wanted))


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the tokens, revoked ones too, without what they are."""
    found = list_tokens(connect(read_settings()))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            token["name"],
            ", ".join(token["scopes"]),
            "all" if token["domains"] is None else ", ".join(token["domains"]),
            to_second(token["created_at"]),
            to_second(token["revoked_at"]),
        )
        for token in found
    ]
    print_table(("name", "scopes", "domains", "made at", "revoked at"), rows, none="no token yet")


@command.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Take the token of NAME back: gateways refuse it within seconds."""
    revoke_token(connect(read_settings()), name)
