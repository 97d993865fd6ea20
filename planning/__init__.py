"""How large a farm has to be, and what it costs: measured, simulated, priced. Nothing of a running farm uses it."""
