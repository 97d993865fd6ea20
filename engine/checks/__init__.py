"""Nodes and a schema in; refused, or certain to have an answer.

Takes the rules of all files and the schema of the domain, gives rules in which texts that stand for dates are dates,
and reports every fact, field, function, rule and stream that does not exist and every operand of a kind that its
operator has no answer for. Evaluates nothing."""

from engine.checks.kinds import ValueKind, kind_of, kind_of_value
from engine.checks.resolve import with_dates, with_windows
from engine.checks.rule_checks import check_rules

__all__ = ["ValueKind", "check_rules", "kind_of", "kind_of_value", "with_dates", "with_windows"]
