"""Health of a running farm: doctor, probes, states of workers, Flower.

`workers.monitoring.flower` is imported by its own name: it loads tornado, which nothing else here needs."""

from workers.monitoring.doctor import HealthCheck, examine
from workers.monitoring.inspection import worker_states

__all__ = ["HealthCheck", "examine", "worker_states"]
