"""A whole farm on one machine: its parts as processes that are kept running, their output in one terminal."""

from workers.local.local_farm import LocalFarm, Migrate, environ_of, run_farm, running_farm

__all__ = ["LocalFarm", "Migrate", "environ_of", "run_farm", "running_farm"]
