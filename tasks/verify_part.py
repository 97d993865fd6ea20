"""Task: judge again one part of what was judged.  rulefarm verify -> [verify_part] -> a Verified

Idle bulk workers share what is verified. Writes nothing. A version that this worker can't judge by makes the part fail:
whether the verdict is to blame, or a worker of an older release, finds whoever asked, who judges it himself."""

from datetime import datetime
from typing import Any

from celery import Task

from store.facts_on_record import FactsPart
from tasks.verify_verdicts import VerdictVerifier
from tasks.worker_context import current

#: Name of the task.
VERIFY_PART = "verdicts.verify_part"


def judge_verify_part(task: Task, domain: str, share: float, since: str | None, part: dict[str, Any]) -> dict[str, Any]:
    """Judge the verdicts of one part again.

    Args:
        task: the running Celery task.
        domain: whose.
        share: of jobs that are judged again.
        since: those that were judged earlier are left out, as ISO text; None: none are.
        part: as `FactsPart.to_json` gives it.

    Returns:
        As `Verified.to_json` gives it.

    Raises:
        NotFound: this worker does not serve the domain.
        RulesetUnusable: it can't judge by a version.
        DatabaseUnreachable: no answer.
    """
    context = current()
    judged_since = None if since is None else datetime.fromisoformat(since)
    verifier = VerdictVerifier(context.database, share=share, since=judged_since, domain=domain, load=context.ruleset)
    return verifier.run_part(FactsPart.from_json(part)).to_json()
