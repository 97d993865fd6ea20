"""Whether rows that are found by their keys are open.  keys -> [open_rows] -> statements on jobs and chunks

After a quiet night Postgres's statistics say that no row is open. Asked for a key and `state = 'open'`, its planner
then takes the index of the open rows for the shorter way, and after an outage with 100,000 of them every statement on
one job goes through them all: 85 ms for each that takes 0.1. So whoever has a key says `open` in a form that implies
the condition of no index. Who looks for open rows, and has no keys, says `state = 'open'`."""

from sqlalchemy import ColumnElement, Table

#: The same in SQL, for one column named `state`.
STILL_OPEN = "state || '' = 'open'"


def still_open(table: Table) -> ColumnElement[bool]:
    """Whether a row that is found by its key is open.

    Args:
        table: jobs, chunks, or another with a state.
    """
    return table.c.state.concat("") == "open"
