"""`rulefarm status`: queues, what waits, what is dead or overdue, workers, the reconciler."""

import sys
from collections import defaultdict
from dataclasses import asdict
from typing import Any

import click

from cli.display.instants import to_minute, to_second
from cli.display.old_keys import with_old_keys
from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import json_option, read_settings
from rulefarm.database import active_digests, connect, translate_errors
from rulefarm.messaging import create_app, queue_depths
from rulefarm.plurals import counted
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.batch_status import standing_failures
from store.duties import coming, unmet
from store.health import count_dead_letters, last_reconciled
from store.open_work import OpenWork, open_work
from workers.monitoring import late_s, region_rulesets, worker_states

#: Seconds for which a loss of the broker is told.
_RECENT_S = 1800.0


@click.command("status")
@json_option
def command(as_json: bool) -> None:
    """Show queues, jobs that wait, dead letters, the workers that answer, and the reconciler's last run.

    Exit code 1 if no worker answers. Whether all is well is for `rulefarm doctor` to say.
    """
    state = _state(read_settings())
    if as_json:
        print_json(state)
    else:
        _print(state)
    if not state["workers"]:
        echo("rulefarm: no worker answers [no-worker]", err=True)
        sys.exit(1)


def _state(settings: Settings) -> dict[str, Any]:
    engine, app = connect(settings), create_app(settings)
    domains = sorted(active_digests(engine).items())
    with translate_errors(engine), engine.connect() as connection:
        waiting: dict[str, list[OpenWork]] = defaultdict(list)
        for work in open_work(connection):
            waiting[work.domain].append(work)
    dead = count_dead_letters(engine)
    failed = standing_failures(engine)
    overdue = unmet(engine, late_s=late_s(settings))
    run = last_reconciled(engine)
    names = [queue_name(domain, bulk=bulk) for domain, _ in domains for bulk in (False, True)]
    return {
        "queues": queue_depths(app, [*names, CONTROL_QUEUE]),
        "queue_limit": settings.queue_limit,
        "domains": {
            domain: {
                "digest": digest,
                "open_jobs": sum(work.jobs for work in waiting[domain]),
                "open_chunks": sum(work.chunks for work in waiting[domain]),
                "oldest": min((work.oldest for work in waiting[domain]), default=None),
                "dead_letters": dead.get(domain, 0),
                "failed_batches": sum(failure["domain"] == domain for failure in failed),
            }
            for domain, digest in domains
        },
        "region": settings.region,
        "regions": {name: asdict(rulesets) for name, rulesets in region_rulesets(settings).items()},
        "dead_letters": sum(dead.values()),
        "failed_batches": failed,
        "overdue_duties": len(overdue),
        "duties": [duty.to_json() for duty in (*overdue, *coming(engine))],
        "reconciler": with_old_keys(asdict(run)) if run else None,
        "workers": [worker.to_json() for worker in worker_states(settings, app=app)],
    }


def _print(state: dict[str, Any]) -> None:
    limit = state["queue_limit"]
    depths = [(name, depth, f"{100 * depth / limit:.0f} %") for name, depth in state["queues"].items()]
    print_table(("queue", "messages", f"of {limit:,}"), depths)
    echo()
    waiting = [
        (
            domain,
            domain_state["digest"][:12],
            domain_state["open_jobs"],
            domain_state["open_chunks"],
            to_second(domain_state["oldest"]),
            domain_state["dead_letters"],
        )
        for domain, domain_state in state["domains"].items()
    ]
    print_table(("domain", "ruleset", "open jobs", "open chunks", "oldest of", "dead"), waiting)
    echo()
    if state["regions"]:
        _print_regions(state)
    workers = [
        (worker["name"], worker["processes"], worker["busy"], worker["done"], ", ".join(worker["queues"]))
        for worker in state["workers"]
    ]
    print_table(("worker", "processes", "busy", "done", "queues"), workers)
    echo()
    echo(_reconciled(state["reconciler"]))
    for failure in state["failed_batches"]:
        what = "nightly" if failure["nightly"] else "batch"
        when = to_second(failure["enqueued_at"])
        echo(f"{what} of {failure['domain']} failed at {when} [{failure['code']}]: {failure['reason']}")
    for duty in state["duties"]:
        echo(_duty(duty))
    if state["dead_letters"]:
        echo(f"{counted(state['dead_letters'], 'dead letter')}: see 'rulefarm dead-letters list'")


def _print_regions(state: dict[str, Any]) -> None:
    regions = state["regions"]
    domains = sorted({domain for region in regions.values() for domain in region["digests"]})
    shown = {
        domain: [
            "?" if region["problem"] else region["digests"].get(domain, "none")[:12] for region in regions.values()
        ]
        for domain in domains
    }
    names = [f"{name} (here)" if name == state["region"] else name for name in regions]
    rows = [(domain, *digests, "" if len({*digests} - {"?"}) < 2 else "differs") for domain, digests in shown.items()]
    print_table(("ruleset of", *names, ""), rows)
    for name, region in regions.items():
        if region["problem"]:
            echo(f"region {name}: {region['problem']}")
    echo()


def _duty(duty: dict[str, Any]) -> str:
    what = f"{duty['kind']} of {duty['domain']}"
    due = to_minute(duty["due_at"], zone=True)
    if duty["age_s"] < 0:
        return f"the next {what} is due at {due}"
    why = f" [{duty['code']}]: {duty['reason']}" if duty["code"] else ""
    return f"{what}, due at {due}, is {'not done' if duty['state'] == 'open' else 'given up'}{why}"


def _reconciled(run: dict[str, Any] | None) -> str:
    if run is None:
        return "the reconciler has never run: is beat running?"
    lost = run["broker_lost_at"]
    # Both by Postgres's clock. What was half an hour ago is in the log.
    if lost and (run["ran_at"] - lost).total_seconds() + run["age_s"] > _RECENT_S:
        lost = None
    also = f"; it found the broker empty at {to_second(lost, zone=True)}" if lost else ""
    return f"the reconciler ran {run['age_s']:.0f} s ago and sent {counted(run['sent'], 'message')} again{also}"
