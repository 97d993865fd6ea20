"""A report of the demo, as a run could give it."""

from workers.demo.claims import NightlyTime, PriceCheck, RoutingReport

REPORT = RoutingReport(
    cores=2,
    products=20_000,
    commit_ms=0.4,
    pricing=PriceCheck(1_220, 0.05, 5.0, "accept", ()),
    shop=PriceCheck(7_399, 0.1, 5.5, "reject", ("payment LinesMissing",)),
    nights=(
        NightlyTime(1, 1, 2.0, 2.5, 20_000),
        NightlyTime(1, 2, 1.25, 2.6, 20_000),
        NightlyTime(1, 4, 1.6, 3.0, 20_000),
    ),
    parts=NightlyTime(3, 3, 2.5, 5.0, 60_000),
)
