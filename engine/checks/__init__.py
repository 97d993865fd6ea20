"""Nodes and a schema in; refused, or known to have an answer. Evaluates nothing."""

from engine.checks.kinds import ValueKind, kind_of, kind_of_value
from engine.checks.resolve import with_dates, with_windows
from engine.checks.rule_checks import check_rules

__all__ = ["ValueKind", "check_rules", "kind_of", "kind_of_value", "with_dates", "with_windows"]
