"""The drill: a farm of its own, hurt on purpose while it works, and a checker that believes nobody.

options -> plan -> farm, producers, faults -> ledger -> checker, measures -> report

Starts everything that it hurts. A seed fixes what is submitted and when each fault comes; what the faults hit depends
on what runs at that moment."""
