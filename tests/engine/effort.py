"""How many generated cases a property is tried on.

`RULEFARM_FUZZ` multiplies it: `make fuzz` takes sixteen times as many, `make unit` a twentieth."""

import os

_TIMES = float(os.environ.get("RULEFARM_FUZZ", "1"))


def cases(number: int) -> int:
    """As many as are asked for, times what the environment says; at least one."""
    return max(1, round(number * _TIMES))
