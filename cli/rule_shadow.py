"""`rulefarm rules shadow`: let a draft judge beside what is active, see what it does otherwise, and end it."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cli.display.instants import to_minute
from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import Instant, Share, json_option, read_settings
from cli.publish import place
from cli.who import this_user
from rulefarm.database import connect
from rulefarm.plurals import counted
from rulesets.candidates import load_candidate
from store.ruleset_versions import RulesetSnapshot, find_digest
from store.shadows import Shadow, find_shadows, start_shadow, stop_shadow


class ShadowGroup(click.Group):
    """A group in which `DIGEST`, or `--draft DIR`, means `start`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments, with the command that they leave out.

        Args:
            ctx: click's.
            args: as they were typed.
        """
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["start", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All ways to call it."""
        for way in ("[OPTIONS] DIGEST", "[OPTIONS] --draft DIR", "show [DOMAIN]", "stop DOMAIN"):
            formatter.write_usage("rulefarm rules shadow", way)


@click.group("shadow", cls=ShadowGroup)
def command() -> None:
    """Let a draft judge a share of the jobs beside the active ruleset, while workers are idle; show what differs."""


@command.command("start")
@click.argument("digest", metavar="[DIGEST]", required=False)
@click.option(
    "--draft", type=click.Path(path_type=Path), metavar="DIR", help="The folder of one domain: kept on record."
)
@click.option("--share", type=Share(), default="10%", show_default=True, help="Of the jobs.")
@click.option("--until", type=Instant(), help="When it ends. Default: when it is stopped.")
@json_option
def start(digest: str | None, draft: Path | None, share: float, until: datetime | None, as_json: bool) -> None:
    """Let the version that begins with DIGEST, or that in DIR, judge a share of the jobs once they have their verdicts.

    Nothing that it says counts. It is checked and its cases are run first, as before publishing, and it takes the place
    of the shadow that its domain had before.
    """
    if (digest is None) == (draft is None):
        raise click.UsageError("give a DIGEST that is on record, or --draft DIR")
    engine = connect(read_settings())
    snapshot = None
    if draft is not None:
        root, names = place(draft, ())
        if len(names) != 1:
            raise click.UsageError(f"{draft} is not the folder of one domain")
        snapshot = RulesetSnapshot.of(load_candidate(root, names[0]).ruleset)
        domain, whole = snapshot.domain, snapshot.digest
    else:
        domain, whole = find_digest(engine, str(digest))
    start_shadow(engine, Shadow(domain, whole, share), by=this_user(), until=until, draft=snapshot)
    if as_json:
        print_json({"domain": domain, "digest": whole, "share": share, "until": until})
        return
    echo(f"{domain}: {whole[:12]} judges {_percent(share)} of the jobs beside the active ruleset; nothing else changes")


@command.command("show")
@click.argument("domain", required=False)
@json_option
def show(domain: str | None, as_json: bool) -> None:
    """Show what drafts judged otherwise: how many jobs, by which rules, and the first job of each."""
    found = find_shadows(connect(read_settings()), domain)
    if as_json:
        print_json(found)
        return
    if not found:
        echo("no draft judges beside an active ruleset")
    for one in found:
        _print(one)


@command.command("stop")
@click.argument("domain")
def stop(domain: str) -> None:
    """End the shadow of a DOMAIN; what it found stays until the next one."""
    stop_shadow(connect(read_settings()), domain)
    echo(f"{domain}: no draft judges beside the active ruleset any more")


def _print(one: dict[str, Any]) -> None:
    ends = f", until {to_minute(one['until'], zone=True)}" if one["until"] else ""
    state = f"judges{ends}" if one["running"] else "is over"
    echo(f"{one['domain']}: {one['digest'][:12]} {state}, {_percent(one['share'])} of the jobs")
    counts = f"judged {counted(one['judged'], 'job')}, {one['differing']:,} otherwise"
    echo(counts + (f"; failed {one['failed']:,} times [{one['code']}]: {one['reason']}" if one["failed"] else ""))
    rows = [
        (
            each["rule"] or "-",
            {"draft": "only now", "active": "no more", "both": "the same"}[each["fires"]],
            each["jobs"],
            each["example"]["subject"],
            f"{each['example']['active']} -> {each['example']['draft']}",
            "; ".join(each["example"]["reasons"]),
        )
        for each in one["differences"]
    ]
    if rows:
        print_table(("rule", "fires", "jobs", "for example", "outcome", "the draft says"), rows)


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
