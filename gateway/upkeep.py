"""Take what changes on record, every few seconds, in a thread.  Postgres -> [upkeep] -> rulesets, tokens, schemas

What a gateway holds in memory is asked for again here, and nowhere else: no request waits for it. While Postgres is
away, what was known last goes on counting."""

import logging
import threading
from collections.abc import Callable, Sequence

from rulefarm.errors import FarmUnreachable
from tasks.published_rulesets import FRESH_S

log = logging.getLogger("rulefarm.gateway")


class Upkeep:
    """Asks again and again."""

    def __init__(self, refreshers: Sequence[Callable[[], None]]) -> None:
        """Ask once, now.

        Args:
            refreshers: each asks for something.
        """
        self._refreshers = refreshers
        self._stopped = threading.Event()
        self._look()
        threading.Thread(target=self._run, name="upkeep", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(FRESH_S):
            self._look()

    def _look(self) -> None:
        for refresh in self._refreshers:
            try:
                refresh()
            except FarmUnreachable as error:
                log.warning("%s; it is asked again", error)
            except Exception:
                # Whatever it is, the next look may fare better.
                log.exception("what is on record can't be read")
