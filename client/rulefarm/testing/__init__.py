"""A farm in memory, for the tests of whoever sends jobs: no Postgres, no Redis, no worker. Not for production."""

from rulefarm.testing.judges import Answer
from rulefarm.testing.memory_facts import MemoryFacts
from rulefarm.testing.memory_farm import MemoryFarm

__all__ = ["Answer", "MemoryFacts", "MemoryFarm"]
