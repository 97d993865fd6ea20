"""When something is late.  settings -> [lateness] -> doctor, status, signals"""

from rulefarm.settings import Settings

#: Intervals that the reconciler may be late, and seconds that it may be late in any case.
_LATE_INTERVALS, _LATE_S = 5, 30.0


def late_s(settings: Settings) -> float:
    """Seconds after which what the reconciler should have done is late."""
    return max(_LATE_INTERVALS * settings.reconcile_interval_s, _LATE_S)
