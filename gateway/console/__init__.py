"""The farm as pages for people: overview, verdicts, batches, rules, dead letters, health."""
