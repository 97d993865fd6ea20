"""`rulefarm submit`: one job."""

import sys
from datetime import datetime

import click

from cli.display.output import print_json, print_verdict
from cli.display.sending import exit_not_sent
from cli.display.terminal import echo
from cli.options import as_of_option, domain_argument, json_option, read_facts, read_settings
from rulefarm.farm import Farm
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
@click.option("--timeout", default=30.0, show_default=True, help="Seconds to wait.")
@json_option
def command(
    domain: str,
    facts: str,
    key: str | None,
    as_of: datetime | None,
    digest: str | None,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Submit the facts in FILE (JSON; - is standard input) to a DOMAIN.

    Prints the job's id, or with --wait the verdict; then exit code 1 if it is error.
    """
    document = read_facts(facts)
    with traced_process("rulefarm-submit"), Farm(read_settings()) as farm:
        if digest is not None:
            _, digest = find_digest(farm.require_ledger().engine, digest, domain)
        job = farm.submit(domain, document, key=key, as_of=as_of, digest=digest)
        if not job.sent:
            exit_not_sent(f"job {job.id} is")
        if not wait:
            echo(str(job.id))
            return
        verdict = job.wait(timeout)
    if as_json:
        print_json(verdict.to_json())
    else:
        print_verdict(verdict)
    sys.exit(int(verdict.outcome == "error"))
