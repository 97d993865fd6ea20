"""The drill: fault injection into a farm of its own while it works, and an independent check of every promise.

options -> plan -> farm, producers, faults -> verdicts -> checker, impact -> report

Acts only on what it started itself. A seed fixes what is submitted and when each fault comes; what a fault hits depends
on what runs at that moment. Not part of a farm: `rulefarm drill` and tests import it, and nothing else does."""
