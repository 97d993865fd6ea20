"""How fast the farm is, beside other queues that do the same work, measured in one run on the same servers.

work, ground -> job_queue: each contender is one -> measures, killing, nightly, broker_loss -> targets -> command

Everyone gets the same orders, judges each by the same compiled ruleset and stores one row a verdict with a commit. They
take turns, and a ratio is taken within a turn (`python -m bench farm`). Nothing here is imported by the farm, and no
test depends on a time."""
