"""Compiled rulesets by their digest, a few at a time.  domain, digest -> [program_versions] -> program

What is asked for by its digest: by a job or a batch that is pinned to it, by a draft. The active rulesets stand in
`tasks.published_rulesets`. A program is compiled once and kept while it is used, and only so many at once: a process
that has seen fifty versions holds no more memory than one that has seen three. What can't be judged by here is not
tried again and again."""

import time
from collections.abc import Callable

from celery.exceptions import SoftTimeLimitExceeded

from engine import EngineError
from rulefarm.errors import FarmUnreachable, NotFound, RulefarmError
from rulesets.loader import LoadedRuleset

#: Programs that are kept at once.
MOST = 3
#: Seconds without use after which one is dropped.
KEPT_S = 60.0
#: Refusals that are remembered at once; the oldest is forgotten for the next.
_MOST_REFUSED = 100


class RulesetUnusable(RulefarmError):
    """This process can't judge by the version that is asked for; another may."""


class ProgramVersions:
    """Programs by domain and digest.

    Args:
        load: compiles one, given domain and digest.
        most: how many are kept. Default: `MOST`.
    """

    def __init__(self, load: Callable[[str, str], LoadedRuleset], *, most: int = MOST) -> None:
        self._load = load
        self._most = most
        #: Those that were used last stand last, each with when that was.
        self._kept: dict[tuple[str, str], tuple[LoadedRuleset, float]] = {}
        self._refused: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, domain: str, digest: str) -> LoadedRuleset:
        """A version, compiled unless it is kept.

        Args:
            domain: whose.
            digest: of it, whole.

        Raises:
            RulesetUnusable: `ruleset-unusable`: it is not on record, or this process can't judge by it, now or ever;
                `ruleset-late`: it is not compiled within the time that its task has.
            DatabaseUnreachable: its source can't be read.
        """
        key = (domain, digest)
        kept = self._kept.pop(key, None)
        if kept is not None:
            loaded = kept[0]
        else:
            if key in self._refused:
                raise self._unusable(domain, digest)
            while len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            loaded = self._compiled(domain, digest)
        self._kept[key] = (loaded, time.monotonic())
        return loaded

    def known(self, domain: str, digest: str) -> LoadedRuleset | None:
        """A version if it is kept; it is not compiled.

        Args:
            domain: whose.
            digest: of it, whole.
        """
        kept = self._kept.get((domain, digest))
        return kept[0] if kept else None

    def drop_unused(self) -> None:
        """Drop what was not used for `KEPT_S`."""
        until = time.monotonic() - KEPT_S
        unused = [key for key, (_, used) in self._kept.items() if used <= until]
        for key in unused:
            del self._kept[key]

    def _compiled(self, domain: str, digest: str) -> LoadedRuleset:
        try:
            return self._load(domain, digest)
        except FarmUnreachable:
            raise
        except SoftTimeLimitExceeded:
            message = f"the ruleset {digest[:12]} of {domain} is not compiled within the time limit"
            raise RulesetUnusable("ruleset-late", message, "raise RULEFARM_JOB_TIME_LIMIT_S") from None
        except NotFound as error:
            # It may be on record later.
            raise RulesetUnusable("ruleset-unusable", f"{domain}: {error.message}", error.hint) from None
        except Exception as error:
            # Whatever it is: nothing is wrong with what was to be judged by it.
            is_ours = isinstance(error, (EngineError, RulefarmError))
            while len(self._refused) >= _MOST_REFUSED:
                self._refused.pop(next(iter(self._refused)))
            self._refused[domain, digest] = str(error) if is_ours else repr(error)
            raise self._unusable(domain, digest) from None

    def _unusable(self, domain: str, digest: str) -> RulesetUnusable:
        message = f"this worker can't judge {domain} by {digest[:12]}: {self._refused[domain, digest]}"
        return RulesetUnusable("ruleset-unusable", message, "start workers of the release that published it")
