"""How many cases the properties of the engine try."""

from hypothesis import settings

from tests.engine.effort import cases

settings.register_profile("engine", settings.get_profile("busy"), max_examples=cases(100))
settings.load_profile("engine")
