"""What a Prometheus and a Grafana are given is read by them, asks for metrics that there are, and has a runbook."""

import json
import re
import subprocess
from pathlib import Path

from sqlalchemy import Engine

from rulefarm.settings import Settings
from store.pending_work import record_run
from store.verdicts import store_verdict
from tests.deploy.dashboard import PANELS, PATH, text
from tests.docs.test_monitoring_page import PAGE
from tests.rows import add_job, verdict
from tests.servers import program
from workers.monitoring import SignalReader
from workers.monitoring.metrics import answer, registry_of

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
ALERTS = re.findall(r"^ *- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
METRICS = set(re.findall(r"`(rulefarm_\w+)`", PAGE))


def promtool(*arguments: object, given: str = "") -> None:
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def asked(expression: str) -> set[str]:
    """The metrics in a text; of a histogram by its own name."""
    return {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"\brulefarm_\w+", expression)}


def test_prometheus_reads_the_configuration() -> None:
    promtool("check", "config", "deploy/prometheus/prometheus.yml")


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    promtool("test", "rules", "tests/deploy/alerts_test.yml")


def test_each_alert_is_tested_both_ways_and_has_its_entry_in_the_runbook() -> None:
    tests = (ROOT / "tests" / "deploy" / "alerts_test.yml").read_text(encoding="utf-8")
    assert len(ALERTS) > 10
    assert set(re.findall(r"\{eval_time: 25m, alertname: (\w+)\}", tests)) == set(ALERTS)
    assert set(re.findall(r"alertname: (\w+)\n +exp_alerts:", tests)) == set(ALERTS)
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("\n## Alerts\n")[2]
    assert re.findall(r"^\| `(Rulefarm\w+)` \|", runbook, re.MULTILINE) == ALERTS


def test_alerts_and_panels_ask_for_metrics_that_there_are() -> None:
    expressions = [expression for *_, targets in PANELS for expression in targets]
    assert asked(RULES.read_text(encoding="utf-8")) | asked(" ".join(expressions)) <= METRICS


def test_the_dashboard_is_what_its_list_of_panels_makes() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run 'python -m tests.deploy.dashboard'"


def test_prometheus_reads_what_the_panels_ask(tmp_path: Path) -> None:
    expressions = [expression for *_, targets in PANELS for expression in targets]
    rules = [{"record": f"panel:{n}", "expr": expression} for n, expression in enumerate(expressions)]
    # JSON is YAML.
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", path)


def test_prometheus_finds_nothing_wrong_with_what_is_exposed(settings: Settings, database: Engine, domain: str) -> None:
    record_run(database, sent=0, broker_lost=False)
    job = add_job(settings)
    store_verdict(database, verdict(job.id, job.enqueued_at))
    reader = SignalReader(settings)
    promtool("check", "metrics", given=answer(registry_of(reader))[1].decode())
    reader.close()
