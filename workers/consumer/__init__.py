"""What a worker does with a message before its task runs, and the check that it still receives messages."""

from workers.consumer.liveness import EXIT_AGAIN, LivenessMonitor
from workers.consumer.request import FarmRequest
from workers.consumer.results import use_optional_results

__all__ = ["EXIT_AGAIN", "FarmRequest", "LivenessMonitor", "use_optional_results"]
