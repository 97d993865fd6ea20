"""Which farm a database is.  the one row of `farm` -> [identity] -> headers of messages, probes, results

Two farms may share a Redis by mistake; by this id a worker tells its own messages from a stranger's. Never raises: a
database that is away, or not migrated yet, only leaves messages without an id, which every farm takes for its own."""

import time

from sqlalchemy import Engine, select

from rulefarm.database.connection import translate_errors
from rulefarm.database.tables import farm
from rulefarm.errors import RulefarmError

#: Seconds until a database that gave none is asked again.
_PAUSE_S = 30.0


class FarmIdentity:
    """The id of a farm, read when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._id: str | None = None
        self._ask_again = 0.0

    def __call__(self) -> str | None:
        """The id; None while the database does not give one."""
        if self._id is None and time.monotonic() >= self._ask_again:
            self._ask_again = time.monotonic() + _PAUSE_S
            self._id = self._read()
        return self._id

    def _read(self) -> str | None:
        try:
            with translate_errors(self._engine), self._engine.connect() as connection:
                found = connection.scalar(select(farm.c.uuid))
        except RulefarmError:
            return None
        return str(found) if found else None
