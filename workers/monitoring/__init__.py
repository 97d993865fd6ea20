"""Health of a running farm: doctor, probes, states of workers, signals, Flower.

`workers.monitoring.flower` and `workers.monitoring.metrics` are imported by their own names: they load tornado and
prometheus_client, which nothing else here needs."""

from workers.monitoring.doctor import examine
from workers.monitoring.health_check import HealthCheck
from workers.monitoring.inspection import WorkerState, worker_states
from workers.monitoring.region_rulesets import RegionRulesets, region_rulesets
from workers.monitoring.row_checks import late_s
from workers.monitoring.signals import DomainSignals, SignalReader, Signals

__all__ = [
    "DomainSignals",
    "HealthCheck",
    "RegionRulesets",
    "SignalReader",
    "Signals",
    "WorkerState",
    "examine",
    "late_s",
    "region_rulesets",
    "worker_states",
]
