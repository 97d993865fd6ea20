"""Postgres and Valkey as child processes, for a farm that needs no servers."""

from workers.embedded.home import locked_home
from workers.embedded.services import Services, running_services, services_in, stopping_on_signals

__all__ = ["Services", "locked_home", "running_services", "services_in", "stopping_on_signals"]
