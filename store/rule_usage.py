"""How often rules fired.  verdicts -> [rule_usage] -> rule, count, last time

Counts what stands in the verdicts, whatever version judged; which of the rules still exist is for whoever
has the active version to say. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, String, column, func, select

from rulefarm.database import translate_errors, verdicts


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """One rule, or one row of a table."""

    #: How many times it fired; more than once in a verdict where it did.
    fired: int
    #: When last.
    last: datetime


def rule_usage(engine: Engine, domain: str, since: datetime) -> tuple[int, dict[str, RuleUsage]]:
    """How often the rules of a domain fired.

    Args:
        engine: the database; allows long statements, for every verdict is looked at.
        domain: whose.
        since: what was judged earlier does not count.

    Returns:
        How many verdicts there are, and rule to its use; a rule that never fired is not in it.

    Raises:
        DatabaseUnreachable: no answer.
    """
    wanted = (verdicts.c.domain == domain) & (verdicts.c.evaluated_at >= since)
    fired = func.unnest(verdicts.c.fired).table_valued(column("rule", String)).render_derived()
    statement = (
        select(fired.c.rule, func.count(), func.max(verdicts.c.evaluated_at))
        .select_from(verdicts.join(fired, onclause=wanted))
        .group_by(fired.c.rule)
    )
    with translate_errors(engine), engine.connect() as connection:
        count: int = connection.execute(select(func.count()).select_from(verdicts).where(wanted)).scalar_one()
        return count, {rule: RuleUsage(times, last) for rule, times, last in connection.execute(statement)}
