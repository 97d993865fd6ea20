"""How many processes a worker has: the decision, and what it is made by.

`workers.scaling.autoscaler` carries it out; Celery imports it by the name that is set."""

from workers.scaling.decision import Demand, Width, settle, wanted
from workers.scaling.pace import PACE, Pace

__all__ = ["PACE", "Demand", "Pace", "Width", "settle", "wanted"]
