"""`rulefarm verify`: hold what is on record against itself."""

import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from cli.display.output import print_json
from cli.display.progress import progress
from cli.display.terminal import echo
from cli.lookup import check_domain
from cli.options import Instant, Share, domain_option, json_option, read_settings, show_private_option
from rulefarm.database import LONG_S, connect
from rulefarm.plurals import counted
from store.private_view import PrivateView
from store.publication_trail import verify_trail
from tasks.verify_verdicts import Mismatch, Verified
from workers.verified_sample import verify_sample

#: Verdicts that do not come out again of which so many are shown.
_SHOWN = 20


@click.command("verify")
@click.option("--trail", is_flag=True, help="Go through who made which rules the active ones, and when.")
@click.option("--sample", "share", type=Share(), help="Judge so many of the verdicts again: 1%, or 100% for all.")
@click.option("--since", type=Instant(), help="Of the sample: judged since then.")
@domain_option
@show_private_option
@json_option
def command(
    trail: bool, share: float | None, since: datetime | None, domain: str | None, show_private: bool, as_json: bool
) -> None:
    """Check that what is on record is what it was: --trail, --sample, or both.

    --trail: each publication has a hash that covers the one before, so the hash that is printed covers all of them. An
    auditor who keeps it can tell at any later time whether it is still on record.

    --sample: verdicts are reached again from the facts on record, by the rules that they name, as of their instant.

    Exit code 1 if something is not what it was.
    """
    if not trail and share is None:
        raise click.UsageError("say --trail, or --sample with a share, or both")
    settings = read_settings()
    engine = connect(settings, silence_s=LONG_S)
    check_domain(engine, domain)
    document: dict[str, Any] = {}
    wrong = False
    if trail:
        found = verify_trail(engine)
        wrong = bool(found.problems)
        document |= {"publications": found.length, "hash": found.hash, "problems": found.problems}
        if not as_json:
            for problem in found.problems:
                echo(problem)
            state = f"whole up to {found.hash[:12]}" if found.hash and not found.problems else "not whole"
            echo(f"{counted(found.length, 'publication')}, {state if found.length else 'nothing to check'}")
    if share is not None:
        with progress("verify") as on_progress:
            verified = verify_sample(settings, engine, on_progress, _say_alone, share=share, since=since, domain=domain)
        view = PrivateView(engine, everything=show_private)
        verified.mismatches = [_shown(one, view) for one in verified.mismatches]
        wrong = wrong or bool(verified.mismatches)
        document |= verified.to_json()
        if not as_json:
            _print(verified)
    if as_json:
        print_json(document)
    sys.exit(int(wrong))


def _shown(one: Mismatch, view: PrivateView) -> Mismatch:
    """Without private values; that they differ is told."""
    private = view.fields(one.verdict.domain, one.verdict.ruleset_digest)
    if not private:
        return one
    differences = {
        name: (private.masked_paths(was), private.masked_paths(now)) if name == "changes" else (was, now)
        for name, (was, now) in one.differences.items()
    }
    return replace(one, verdict=view.verdict(one.verdict), differences=differences)


def _say_alone(domain: str) -> None:
    echo(f"rulefarm: no bulk worker of {domain} answers: judged again in this process", err=True)


def _print(verified: Verified) -> None:
    for one in verified.mismatches[:_SHOWN]:
        echo(f"{one.verdict.id}  {one.verdict.domain}  {one.verdict.subject}  {_told(one)}")
    if len(verified.mismatches) > _SHOWN:
        echo(f"and {len(verified.mismatches) - _SHOWN:,} more: see --json")
    skipped = f", {verified.skipped:,} skipped: a shared fact could not be had" if verified.skipped else ""
    echo(f"{counted(verified.judged, 'verdict')} judged again, {len(verified.mismatches):,} differ{skipped}")


def _told(one: Mismatch) -> str:
    return one.why or "; ".join(
        f"{name}: {was!r} on record, {now!r} now" for name, (was, now) in one.differences.items()
    )
