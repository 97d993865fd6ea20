"""What an arithmetic operator takes, by the kinds beside it.  kinds, wording -> [arithmetic_checks] -> rule_checks

Numbers with numbers; texts joined with anything; durations with durations, or times a number. Says what is wrong with
an operator as a whole, or what each side has to be; reports nothing itself."""

from engine.checks.kinds import ValueKind
from engine.checks.wording import abridged
from engine.language import Arithmetic

_JOINED = "number or text or date or time or duration or boolean"


def unlike_arithmetic(node: Arithmetic, left: ValueKind, right: ValueKind) -> tuple[str, str] | None:
    """What is wrong with an operator that has no meaning for a kind beside it, and a hint; None: nothing.

    Args:
        node: the operator and its operands.
        left: kind of the left one.
        right: kind of the right one.
    """
    kinds = {left, right}
    if node.op == "+" and "text" in kinds:
        return None
    if "list" in kinds:
        hint = "write With(list, item)" if node.op == "+" else ""
        return f"'{node.op}' takes numbers, {abridged(node)} is about a list", hint
    if "date" in kinds:
        hint = "write AddDays(date, days)"
        if node.op == "-" and right != "number":
            hint = "write DaysBetween(earlier, later), or HoursBetween"
        return f"'{node.op}' takes numbers, {abridged(node)} is about a date", hint
    if "time" in kinds:
        return f"'{node.op}' takes numbers, {abridged(node)} is about a time of day", "a time is compared, not computed"
    if "duration" in kinds and (node.op == "%" or (node.op == "/" and right == "duration")):
        hint = "count both in seconds: Seconds(duration)"
        return f"'{node.op}' takes numbers, {abridged(node)} is about a duration", hint
    return None


def taken_by(op: str, left: ValueKind, right: ValueKind) -> tuple[str, str]:
    """The kinds that an operator takes on either side.

    Args:
        op: `+`, `-`, `*`, `/` or `%`.
        left: kind of the left operand.
        right: kind of the right operand.
    """
    if op == "+" and "text" in (left, right):
        return _JOINED, _JOINED
    if "duration" not in (left, right):
        return "number", "number"
    if op in ("+", "-"):
        return "duration", "duration"
    return ("number", "duration") if right == "duration" else ("duration", "number")
