"""`rulefarm nightly`: the nightly batch, now."""

from dataclasses import replace

import click
from sqlalchemy import Engine

from cli.batch import follow
from cli.options import Seconds, json_option, read_settings
from cli.recorded import published_key
from rulefarm.errors import NotFound
from rulefarm.farm import Farm
from tasks.nightly import record_nightly


@click.group("nightly")
def command() -> None:
    """The nightly batch: RULEFARM_NIGHTLY_SOURCE, judged at RULEFARM_NIGHTLY_CRON."""


@command.command("run")
@click.option("--source", help="Judge this file instead of RULEFARM_NIGHTLY_SOURCE.")
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Refuse columns that are no field, or fields that are no column. Default: only what changed for the worse.",
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Show progress until every verdict is there.")
@click.option("--timeout", type=Seconds(0), default=3600.0, show_default=True, help="Seconds to wait.")
@json_option
def run(source: str | None, strict: bool | None, wait: bool, timeout: float, as_json: bool) -> None:
    """Submit the nightly batch now.

    Exit code 1 if its source is refused; a batch is on record then that failed.
    """
    settings = read_settings()
    if source is not None:
        settings = replace(settings, nightly_source=source)
    with Farm(settings) as farm:
        engine, free = farm.require_ledger().engine, farm.free_slots(settings.nightly_domain)
        if settings.nightly_source is not None and settings.nightly_subject is None:
            settings = replace(settings, nightly_subject=_key(engine, settings.nightly_domain))
        batch = farm.send_batch(*record_nightly(engine, settings, {}, key=None, free_slots=free, strict=strict))
        follow(batch, engine, wait=wait, timeout=timeout, as_json=as_json)


def _key(engine: Engine, domain: str) -> str:
    key = published_key(engine, domain)
    if key is None:
        hint = "run 'rulefarm rules publish', or start a worker for it"
        raise NotFound("unknown-domain", f"no ruleset of {domain!r} is published", hint)
    return key
