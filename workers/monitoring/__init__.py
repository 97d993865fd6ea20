"""Health of a running farm: doctor, probes, states of workers, signals, Flower.

`workers.monitoring.flower` and `workers.monitoring.metrics` are imported by their own names: they load tornado and
prometheus_client, which nothing else here needs."""

import sys
from typing import TYPE_CHECKING

from rulefarm.lazy_face import lazily

# For type checkers, and for whoever reads what stands where; a program loads what it asks for.
if TYPE_CHECKING:
    from workers.monitoring.doctor import examine
    from workers.monitoring.health_check import HealthCheck
    from workers.monitoring.inspection import WorkerState, worker_states
    from workers.monitoring.lateness import late_s
    from workers.monitoring.rulesets_by_region import RegionRulesets, region_rulesets
    from workers.monitoring.signals import DomainSignals, SignalReader, Signals
    from workers.monitoring.time_words import in_words
else:
    __getattr__ = lazily(
        sys.modules[__name__],
        {
            "examine": "doctor",
            "HealthCheck": "health_check",
            "WorkerState": "inspection",
            "worker_states": "inspection",
            "late_s": "lateness",
            "RegionRulesets": "rulesets_by_region",
            "region_rulesets": "rulesets_by_region",
            "DomainSignals": "signals",
            "SignalReader": "signals",
            "Signals": "signals",
            "in_words": "time_words",
        },
    )

__all__ = [
    "DomainSignals",
    "HealthCheck",
    "RegionRulesets",
    "SignalReader",
    "Signals",
    "WorkerState",
    "examine",
    "in_words",
    "late_s",
    "region_rulesets",
    "worker_states",
]
