"""`rulefarm rules usage`: which rules fire how often, and which never do.  verdicts, active ruleset -> [rule_usage]"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from cli.display.instants import to_minute, to_second
from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.lookup import check_domain
from cli.options import Age, domain_argument, json_option, read_settings
from engine import Rule
from rulefarm.database import LONG_S, active_digests, connect
from rulefarm.errors import NotFound
from rulefarm.plurals import counted
from rulesets.recorded import compile_recorded
from store.health import clock_of
from store.rule_usage import RuleUsage, rule_usage
from store.ruleset_versions import source_of


@click.command("usage")
@domain_argument
@click.option("--last", "age", default="30d", show_default=True, type=Age(), help="Of so much time: like 30d or 12w.")
@click.option("--rows", is_flag=True, help="Each row of a table by itself.")
@json_option
def command(domain: str, age: timedelta, rows: bool, as_json: bool) -> None:
    """Show how often each rule of the active version fired, those that never did last.

    Counted is what verdicts on record say, by whatever version they were reached. --json has each row of each table.
    """
    engine = connect(read_settings(), silence_s=LONG_S)
    check_domain(engine, domain)
    digest = active_digests(engine).get(domain)
    if digest is None:
        raise NotFound("unknown-domain", f"domain {domain!r} is not published", "'rulefarm rules publish' does it")
    since = clock_of(engine) - age
    judged, used = rule_usage(engine, domain, since)
    rules = compile_recorded(source_of(engine, domain, digest)).rules
    if as_json:
        never: dict[str, Any] = {"fired": 0, "last": None}
        listed = [{"rule": rule.name} | (asdict(used[rule.name]) if rule.name in used else never) for rule in rules]
        print_json({"domain": domain, "digest": digest, "since": since, "verdicts": judged, "rules": listed})
        return
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.name.partition("#")[0] if rule.once and not rows else rule.name, []).append(rule)
    lines = sorted((_line(name, group, used) for name, group in groups.items()), key=lambda line: -line[1])
    print_table(("rule or table", "fired", "last", "never fired"), lines)
    gone = len(used.keys() - {rule.name for rule in rules})
    echo(f"{counted(judged, 'verdict')} of {domain} since {to_minute(since, zone=True)}, active is {digest[:12]}")
    if gone:
        echo(f"{counted(gone, 'rule')} of older versions fired too")


def _line(name: str, group: list[Rule], used: dict[str, RuleUsage]) -> tuple[str, int, str, str]:
    found = [used[rule.name] for rule in group if rule.name in used]
    last = to_second(max(one.last for one in found)) if found else ""
    never = len(group) - len(found)
    if len(group) > 1 and never:
        return name, sum(one.fired for one in found), last, f"{never} of {counted(len(group), 'row')}"
    return name, sum(one.fired for one in found), last, "never" if never else ""
