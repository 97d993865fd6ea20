"""Ask a running farm how it is: doctor, probes, the states of workers, Flower."""

from workers.monitoring.doctor import HealthCheck, examine
from workers.monitoring.inspection import worker_states

__all__ = ["HealthCheck", "examine", "worker_states"]
