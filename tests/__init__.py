"""The tests."""

import gc
import sys

# What is loaded for the tests stays to the end, so nothing of it is garbage: until the first one runs, looking for some
# takes a quarter of the time, in each process. `tests.conftest` turns the collector on.
if "pytest" in sys.modules:
    gc.disable()
