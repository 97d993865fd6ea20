"""How fast the engine is, beside what one could use in its place, measured in one run.

workload -> baselines, engines, ours -> timing -> report      (`python -m bench`)

A contender counts only if it finds the same rules for the same products as the engine does: all hits are compared
before anything is timed. Nothing here is imported by the farm, and no test depends on a time."""
