"""Every fault that the drill knows, by name.  message_faults, process_faults, server_faults -> [faults] -> plan

To add one, put it into the `FAULTS` of the module that it belongs to."""

from rulefarm.errors import SettingsError
from workers.drill import message_faults, process_faults, server_faults
from workers.drill.context import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*process_faults.FAULTS, *server_faults.FAULTS, *message_faults.FAULTS)
}


def chosen(names: str) -> list[str]:
    """The faults that `--faults` names: `all`, or names with commas between.

    Raises:
        SettingsError: one of them is unknown.
    """
    wanted = list(FAULTS) if names == "all" else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in FAULTS:
            raise SettingsError("unknown-fault", f"no fault {name!r}", f"known: all, {', '.join(FAULTS)}")
    return list(dict.fromkeys(wanted))
