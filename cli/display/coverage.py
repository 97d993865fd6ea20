"""Print what cases touch of their rules.  rulesets.coverage -> [coverage] -> lines

Rules are named one by one, rows of tables counted: a table of 300 rows has 300 like lines."""

from collections.abc import Sequence

from cli.display.terminal import echo
from rulefarm.plurals import counted
from rulesets.coverage import RuleCoverage


def print_coverage(domain: str, found: Sequence[RuleCoverage]) -> None:
    """Print how much is covered, then what is not.

    Args:
        domain: whose rules.
        found: one entry a rule, in source order.
    """
    rules = [one for one in found if not one.table]
    tables: dict[str, list[RuleCoverage]] = {}
    for one in found:
        if one.table:
            tables.setdefault(one.table, []).append(one)
    rows_of_all = [one for rows in tables.values() for one in rows]
    echo(f"{domain}: {_covered(rules, 'rule')}" + (f", {_covered(rows_of_all, 'row')}" if rows_of_all else ""))
    for one in rules:
        if not one.fired:
            span = one.rule.span
            echo(f"{domain}: no case fires {one.rule.name}" + (f" ({span.source}:{span.line})" if span else ""))
        for text in one.missed:
            echo(f"{domain}: {one.rule.name} never fires by {text}")
    for table, rows in tables.items():
        if not all(row.fired for row in rows):
            echo(f"{domain}: of the table {table} {_covered(rows, 'row')}")


def _covered(found: Sequence[RuleCoverage], what: str) -> str:
    return f"{sum(bool(one.fired) for one in found):,} of {counted(len(found), what)} fired"
