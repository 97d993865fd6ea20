"""How many processes a worker has: the decision, and what it is made by.

`workers.scaling.autoscaler` carries it out; Celery imports it by the name that is set."""

from workers.scaling.decision import Load, Width, settle, wanted
from workers.scaling.pace import PACE, Pace

__all__ = ["PACE", "Load", "Pace", "Width", "settle", "wanted"]
