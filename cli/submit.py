"""`rulefarm submit`: one job."""

import sys
from datetime import datetime

import click

from cli.display.output import print_json, print_verdict
from cli.display.sending import exit_not_sent
from cli.display.terminal import echo
from cli.options import (
    Seconds,
    as_of_option,
    domain_argument,
    json_option,
    read_facts,
    read_settings,
    show_private_option,
)
from rulefarm.farm import Farm
from store.private_view import PrivateView
from store.ruleset_versions import find_digest
from workers.telemetry import traced_process


@click.command("submit")
@domain_argument
@click.argument("facts", metavar="FILE")
@click.option("--key", help="What is judged, say the order's number; the same key and facts get one verdict.")
@as_of_option
@click.option(
    "--digest", help="Judge by this version of the rules, or the one that begins so. Default: what is active."
)
@click.option("--wait/--no-wait", default=False, help="Wait for the verdict and print it.")
@click.option("--timeout", type=Seconds(0), default=30.0, show_default=True, help="Seconds to wait.")
@show_private_option
@json_option
def command(
    domain: str,
    facts: str,
    key: str | None,
    as_of: datetime | None,
    digest: str | None,
    wait: bool,
    timeout: float,
    show_private: bool,
    as_json: bool,
) -> None:
    """Submit the facts in FILE (JSON; - is standard input) to a DOMAIN.

    Prints the job's id, or with --wait the verdict; then exit code 1 if it is error.
    """
    document = read_facts(facts)
    settings = read_settings()
    with traced_process("rulefarm-submit"), Farm(settings) as farm:
        if digest is not None:
            _, digest = find_digest(farm.require_ledger().engine, digest, domain)
        view = None
        if wait and (settings.database_url or settings.regions):
            # Asked before: once the job is on record, its verdict is printed, whatever is away then.
            view = PrivateView(farm.require_ledger().engine, everything=show_private)
            view.fields(domain)
        job = farm.submit(domain, document, key=key, as_of=as_of, digest=digest)
        if not job.sent:
            exit_not_sent(f"job {job.id} is")
        if not wait:
            echo(str(job.id))
            return
        verdict = job.wait(timeout)
    verdict = view.verdict(verdict) if view is not None else verdict
    if as_json:
        print_json(verdict.to_json())
    else:
        print_verdict(verdict)
    sys.exit(int(verdict.outcome == "error"))
