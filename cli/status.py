"""`rulefarm status`: queues, what waits, workers."""

import sys
from datetime import UTC, datetime

import click

from cli.options import json_option, settings
from cli.output import print_json, print_table
from rulefarm.bell import create_app
from rulefarm.depth import queue_depths
from rulefarm.ledger import Ledger
from rulefarm.routing import CONTROL_QUEUE, queue_name
from store.open_work import open_work
from workers.inspection import worker_states


@click.command("status")
@json_option
def command(as_json: bool) -> None:
    """Show queues and their depth, jobs that wait, and the workers that answer.

    Exit code 1 if no worker answers.
    """
    known = settings()
    ledger = Ledger(known)
    domains = ledger.domains()
    waiting = {work.domain: work for work in open_work(ledger.engine)}
    names = [queue_name(domain, bulk=bulk) for domain in sorted(domains) for bulk in (False, True)]
    depths = queue_depths(create_app(known), [*names, CONTROL_QUEUE])
    workers = worker_states(known)
    if as_json:
        print_json(
            {
                "queues": depths,
                "domains": {
                    domain: {
                        "digest": digest,
                        "open_jobs": waiting[domain].jobs if domain in waiting else 0,
                        "open_chunks": waiting[domain].chunks if domain in waiting else 0,
                        "oldest": waiting[domain].oldest.isoformat() if domain in waiting else None,
                    }
                    for domain, digest in sorted(domains.items())
                },
                "workers": [worker.to_json() for worker in workers],
            }
        )
    else:
        now = datetime.now(UTC)
        print_table(("queue", "messages"), list(depths.items()))
        click.echo()
        rows = []
        for domain, digest in sorted(domains.items()):
            work = waiting.get(domain)
            oldest = f"{(now - work.oldest).total_seconds():.1f} s" if work else "-"
            rows.append((domain, digest[:12], work.jobs if work else 0, work.chunks if work else 0, oldest))
        print_table(("domain", "ruleset", "open jobs", "open chunks", "oldest"), rows)
        click.echo()
        print_table(
            ("worker", "processes", "busy", "done", "queues"),
            [(w.name, w.processes, w.busy, w.done, ", ".join(w.queues)) for w in workers],
        )
    if not workers:
        click.echo("rulefarm: no worker answers [no-worker]", err=True)
        sys.exit(1)
