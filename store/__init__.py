"""Postgres behind the farm: migrations, verdicts, open work, published rulesets.

Speaks SQL and plain values; judges nothing and sends nothing. The tables themselves stand in
`rulefarm.database.tables`, for a producer writes to some of them."""
