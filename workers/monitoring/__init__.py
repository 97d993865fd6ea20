"""Health of a running farm: doctor, probes, states of workers, Flower.

`workers.monitoring.flower` is imported by its own name: it loads tornado, which nothing else here needs."""

from workers.monitoring.doctor import examine
from workers.monitoring.health_check import HealthCheck
from workers.monitoring.inspection import worker_states
from workers.monitoring.row_checks import late_s

__all__ = ["HealthCheck", "examine", "late_s", "worker_states"]
