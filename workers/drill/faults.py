"""Every fault of the drill, by name.  process_faults, server_faults, message_faults, … -> [faults] -> plan

To add one, put it into the `FAULTS` of the module that it belongs to."""

from rulefarm.errors import SettingsError
from workers.drill import (
    group_faults,
    message_faults,
    process_faults,
    region_faults,
    ruleset_faults,
    server_faults,
)
from workers.drill.context import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (process_faults, server_faults, message_faults, ruleset_faults, group_faults, region_faults)
    for fault in module.FAULTS
}


def select_faults(names: str) -> list[str]:
    """The faults that `--faults` names: `all`, or names with commas between.

    Raises:
        SettingsError: one of them is unknown.
    """
    selected = list(FAULTS) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    for name in selected:
        if name not in FAULTS:
            raise SettingsError("unknown-fault", f"no fault {name!r}", f"there are: all, {', '.join(FAULTS)}")
    return list(dict.fromkeys(selected))
