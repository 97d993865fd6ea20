"""Refuse facts and fields that the schema does not have.  kinds, wording -> [path_checks] -> rule_checks, event_checks

Takes a path and the schema, gives the kind of what the path leads to, and reports what does not exist, with the nearest
name. Whether a value of that kind may stand there is not asked here (`engine.checks.rule_checks`)."""

from collections.abc import Callable

from engine.checks.kinds import ValueKind, path_kind
from engine.checks.wording import a_kind
from engine.language import Node, Path, print_expression
from engine.schema import FactSchema, Schema
from engine.suggestions import did_you_mean

#: Tells a problem: node, code, message, hint.
Report = Callable[[Node, str, str, str], None]

#: Names that a hint lists.
_MAX_LISTED = 12


def check_path(path: Path, schema: Schema | None, element: str | None, report: Report) -> ValueKind:
    """Report a fact or a field that does not exist.

    Args:
        path: names it.
        schema: the facts; None: every fact and field exists, of any kind.
        element: the list fact whose element is at hand, inside a quantifier or an aggregate; None: none is.
        report: takes the problem.

    Returns:
        The kind of what the path leads to; `any` where the schema does not say.
    """
    if schema is None:
        return "any"
    fact = schema.facts.get(path.fact)
    if fact is None:
        report(path, "unknown-fact", f"there is no fact '{path.fact}'", _fact_hint(path.fact, schema))
        return "any"
    steps = path.steps
    if fact.is_list and path.fact != element and steps:
        if not isinstance(steps[0], int):
            hint = f"write exists({print_expression(path)} …), or Count, CountDistinct, Sum, Min, Max, Avg"
            report(path, "list-fact", f"'{path.fact}' is a list; which of its items is meant?", hint)
            return "any"
        steps = steps[1:]
    if not steps:
        return "object" if path.fact == element else path_kind(path, schema)
    return check_field(path, fact, steps, report, fact.name, fact.name)


def check_field(
    node: Node, fact: FactSchema, steps: tuple[str | int, ...], report: Report, subject: str, owner: str
) -> ValueKind:
    """Report a field that a fact does not have, or a member of a field that has none.

    Args:
        node: names it.
        fact: has the fields.
        steps: from an object of the fact; not empty.
        report: takes the problem.
        subject: what has no such field, as the message begins.
        owner: the fact that a field is named after.

    Returns:
        The kind of the field; `any` for its members.
    """
    field = fact.fields.get(str(steps[0]))
    if field is None:
        names = list(fact.fields)
        hint = did_you_mean(str(steps[0]), names) or f"fields: {', '.join(names[:_MAX_LISTED])}"
        report(node, "unknown-field", f"{subject} has no field '{steps[0]}'", hint)
        return "any"
    if len(steps) == 1:
        return field.kind
    if field.kind not in ("list", "object"):
        report(node, "unknown-field", f"{owner}.{field.name} is {a_kind(field.kind)}, and has no members", "")
    return "any"


def _fact_hint(name: str, schema: Schema) -> str:
    owners = [fact.name for fact in schema.facts.values() if name in fact.fields]
    if owners:
        return f"did you mean '{owners[0]}.{name}'?"
    return did_you_mean(name, schema.facts) or f"facts: {', '.join(schema.facts)}"
