"""Properties of the engine are about answers, never about time: a busy machine fails none of them."""

from hypothesis import HealthCheck, settings

from tests.engine.effort import cases

settings.register_profile(
    "engine", deadline=None, max_examples=cases(100), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("engine")
