"""How many processes a worker has: the decision, and what it is made by.

`workers.scaling.autoscaler` carries it out; Celery imports it by the name that is set."""

from workers.scaling.decision import Demand, Width, settle, wanted
from workers.scaling.pace import PACE, Pace
from workers.scaling.workers_wanted import WorkersWanted, workers_wanted

__all__ = ["PACE", "Demand", "Pace", "Width", "WorkersWanted", "settle", "wanted", "workers_wanted"]
