"""The dashboard for Grafana, made of a list of panels.  PANELS -> [dashboard] -> deploy/grafana/rulefarm.json

`python -m tests.deploy.dashboard` writes the file; a test holds that it is what this makes."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[2] / "deploy" / "grafana" / "rulefarm.json"
#: Columns of Grafana's grid; a panel takes a third of them.
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 8
#: Title, unit, and expressions with their legends. $domain is chosen above the panels.
PANELS: list[tuple[str, str, dict[str, str]]] = [
    (
        "Verdicts a second, by outcome",
        "ops",
        {'sum by (outcome) (rate(rulefarm_verdicts_total{domain=~"$domain"}[1m]))': "{{outcome}}"},
    ),
    (
        "Jobs submitted and judged a second",
        "ops",
        {
            'sum(rate(rulefarm_jobs_total{domain=~"$domain"}[1m]))': "submitted",
            'sum(rate(rulefarm_verdicts_total{domain=~"$domain",kind="job"}[1m]))': "judged",
        },
    ),
    (
        "Open jobs",
        "short",
        {
            'rulefarm_open_jobs{domain=~"$domain"}': "{{domain}} {{queue}}",
            "max(rulefarm_queue_limit)": "limit of a queue",
        },
    ),
    (
        "Age of the oldest that is open",
        "s",
        {'rulefarm_oldest_age_seconds{domain=~"$domain"}': "{{domain}} {{queue}}"},
    ),
    (
        "From submission to evaluation",
        "s",
        {
            f"histogram_quantile({share}, sum by (le) "
            f'(rate(rulefarm_latency_seconds_bucket{{domain=~"$domain",kind="job"}}[5m])))': f"{share:.0%}"
            for share in (0.5, 0.95, 0.99)
        },
    ),
    (
        "Time of an evaluation",
        "s",
        {
            f"histogram_quantile({share}, sum by (le) "
            f'(rate(rulefarm_evaluation_seconds_bucket{{domain=~"$domain",kind="job"}}[5m])))': f"{share:.0%}"
            for share in (0.5, 0.95, 0.99)
        },
    ),
    ("Rows of batches that are open", "short", {'rulefarm_open_rows{domain=~"$domain",queue="bulk"}': "{{domain}}"}),
    ("Seconds until nothing is open", "s", {'rulefarm_drain_seconds{domain=~"$domain"}': "{{domain}}"}),
    (
        "Verdicts a second, by worker",
        "ops",
        {'sum by (worker) (rulefarm_worker_verdicts_per_second{domain=~"$domain"})': "{{worker}}"},
    ),
    (
        "Dead letters, overdue nightlies, failed batches",
        "short",
        {
            'sum(rulefarm_dead_letters{domain=~"$domain|"})': "dead letters",
            'sum(rulefarm_overdue_duties{domain=~"$domain"})': "overdue nightlies",
            'sum(rulefarm_failed_batches{domain=~"$domain"})': "failed batches",
        },
    ),
    (
        "Age of the reconciler's last run",
        "s",
        {"rulefarm_reconciler_age_seconds": "age", "rulefarm_reconciler_late_seconds": "late from here on"},
    ),
    (
        "Rulesets that are judged by",
        "short",
        {
            'count by (domain, digest) (rulefarm_worker_ruleset_info{domain=~"$domain"})': "{{domain}} {{digest}}",
        },
    ),
]


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana imports it; it asks which Prometheus to read."""
    choice = {
        "name": "domain",
        "type": "query",
        "datasource": _source(),
        "query": "label_values(rulefarm_jobs_total, domain)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }
    return {
        "uid": "rulefarm",
        "title": "rulefarm",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "__inputs": [{"name": "PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}],
        "templating": {"list": [choice]},
        "panels": [_panel(n, *panel) for n, panel in enumerate(PANELS)],
    }


def _panel(n: int, title: str, unit: str, expressions: dict[str, str]) -> dict[str, Any]:
    row, place = divmod(n, _COLUMNS // _WIDTH)
    return {
        "id": n + 1,
        "title": title,
        "type": "timeseries",
        "datasource": _source(),
        "gridPos": {"x": place * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + i), "expr": expression, "legendFormat": legend}
            for i, (expression, legend) in enumerate(expressions.items())
        ],
    }


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${PROMETHEUS}"}


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
