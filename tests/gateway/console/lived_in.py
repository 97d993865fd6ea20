"""A farm in which something has happened, for whoever looks at the console.  settings, database -> [lived_in]

Orders of every outcome, two batches of which the second differs from the first, dead letters of each kind, two versions
of a ruleset; and among them keys and facts that a page would obey if it took them for markup."""

import shutil
from pathlib import Path

from sqlalchemy import Engine

from rulefarm.database import chunks, jobs
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.dead_letters import Failure, record_message
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.worker_context import WorkerContext
from tests.commands import RULESETS
from tests.inline_worker import take_what_is_due, working
from tests.processes import until
from tests.rows import rows
from tests.store.dying import dead_job

#: What a page would run, load or leave its place for, if it were more than text to it.
MARKUP = (
    """"'></code></td><script>document.title='taken'</script><img src=//elsewhere.example/x onerror=alert(1)>&amp;"""
)
ORDERS = 150


def live_in(settings: Settings, database: Engine, folder: Path) -> None:
    """Have things happen.

    Args:
        settings: of a farm in which payment and pricing are published, and nobody works.
        database: of the farm.
        folder: for files.
    """
    with Farm(settings) as farm, working(settings, database) as worker:
        for n in range(ORDERS):
            order = {"order_id": str(n), "total": 777.77 if n % 50 == 0 else n * 20, "country": "DE" if n % 3 else "FR"}
            farm.submit("payment", {"Order": order, "Line": [{"quantity": n}]}, key=f"order-{n}")
        for night, dear in (("monday", 40), ("tuesday", 60)):
            source = folder / f"{night}.csv"
            lines = [f"{n},{n},{dear if n % 2 else 'cheap' if n == 8 else 5}" for n in range(120)]
            source.write_text("\n".join(["sku,price,cost", *lines]) + "\n", encoding="utf-8")
            farm.submit_batch("pricing", source)
        _judge_all(worker)
        _publish_another(database, folder)
    with Farm(settings) as farm, working(settings, database) as worker:
        for total in (12, 2000):
            farm.submit("payment", {"Order": {"order_id": MARKUP, "total": total, "country": MARKUP}}, key=MARKUP)
        farm.submit("payment", {"Order": {"order_id": "1", "total": "much"}}, key="no-number")
        _judge_all(worker)
    dead_job(settings, database, subject=MARKUP, failure=Failure("time-limit", f"it took too long {MARKUP}"))
    dead_job(settings, database, subject="4711")
    record_message(database, Failure("bad-message", MARKUP), worker="w@here", content=MARKUP)


def _judge_all(worker: WorkerContext) -> None:
    def none_is_open() -> bool:
        take_what_is_due(worker)
        return not any(rows(worker.database, table, table.c.state == "open") for table in (jobs, chunks))

    until(none_is_open, 60)


def _publish_another(database: Engine, folder: Path) -> None:
    """The second version of a ruleset: other words, and a rule that never fires."""
    shutil.copytree(RULESETS / "payment", folder / "payment")
    rules = folder / "payment" / "payment.grl"
    text = rules.read_text(encoding="utf-8").replace('"over 1000"', '"over one thousand"')
    rules.write_text(f'{text}\nrule "Never" {{ when Order.total < 0 then Reject("less than nothing"); }}\n')
    loaded = load_domain(folder, "payment")
    publish(database, [RulesetSnapshot.of(loaded)], by="zoe", note=f"plainer words {MARKUP}")
