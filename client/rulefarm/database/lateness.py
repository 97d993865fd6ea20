"""How far behind its jobs a farm is.  jobs -> [lateness] -> regions

One look at the first entry of an index for each domain, whatever waits there. Changes nothing."""

from sqlalchemy import Engine

from rulefarm.database.alone import execute_alone

# By Postgres's clock alone. Of a job that was sent n times the n-th message gave it the grace doubled n - 1 times, so
# that it has waited 2^n - 1 graces when the next one is due. What has failed before is no matter of how much there is.
_OLDEST = (
    "select domain, (select extract(epoch from now() - resend_at) + (2 ^ least(times_sent, 8) - 1) * %(grace)s"
    " from jobs where jobs.domain = known.domain and not bulk and state = 'open' and attempts = 0"
    " order by resend_at limit 1) as late_s from active_rulesets as known"
)


def lateness_s(engine: Engine, grace_s: float) -> dict[str, float]:
    """For each published domain, seconds that the single job that is due next has waited; 0.0: none waits.

    Args:
        engine: the database.
        grace_s: seconds that the first message of a job gives.

    Raises:
        DatabaseUnreachable: no answer.
    """
    # In one round trip: for how long it takes is how far the database is.
    rows = execute_alone(engine, _OLDEST, {"grace": grace_s}, repeatable=True)
    return {domain: max(0.0, float(late_s or 0)) for domain, late_s in rows}
