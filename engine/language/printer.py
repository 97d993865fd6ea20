"""Write rules as canonical GRL.  nodes -> [printer] -> formatter, ruleset (the digest), checks, tables, lint

The inverse of the parser: `parse(print(x)) == x` for whatever the parser can give. Two sources that differ only in
white space, comments, quoting or the way a test is spelled (`x.Contains(y)`, `x contains y`) print the same."""

import functools
import re
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal

from engine.language.nodes import (
    Action,
    Aggregate,
    And,
    Arithmetic,
    Assign,
    Binding,
    Bound,
    Call,
    Compare,
    Complete,
    Decide,
    Emit,
    Expression,
    Item,
    ListLiteral,
    Literal,
    Log,
    Membership,
    Negate,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    Retract,
    Rule,
    Scalar,
    TextTest,
)
from engine.values import Day, clock_text, print_duration, print_number

#: A condition longer than this is broken at its outermost operator.
MAX_LINE = 100

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: How tightly each kind of expression binds; an operand that binds less gets parentheses.
_OR, _AND, _COMPARISON, _SUM, _PRODUCT, _UNARY = 1, 2, 3, 4, 5, 6
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def print_rules(rules: Iterable[Rule]) -> str:
    """The text of a GRL file with these rules.

    Args:
        rules: in the order they are to stand in.

    Returns:
        Canonical GRL, ending with a line end.
    """
    return "\n".join(print_rule(rule) for rule in rules)


def print_rule(rule: Rule) -> str:
    """One rule as canonical GRL, ending with a line end."""
    lines = [f"{' '.join(head_words(rule))} {{", "    when"]
    lines += [f"        {line}" for line in _condition(rule.condition)]
    lines.append("    then")
    lines += [f"        {print_action(action)};" for action in rule.actions]
    return "\n".join([*lines, "}", ""])


def head_words(rule: Rule) -> list[str]:
    """What stands before the brace of a rule: `rule`, its name, its description, then each attribute with its value."""
    head = ["rule", quote(rule.name)]
    if rule.description:
        head.append(quote(rule.description))
    if rule.salience:
        head.append(f"salience {rule.salience}")
    if rule.no_loop:
        head.append("no-loop")
    if rule.lock_on_active:
        head.append("lock-on-active")
    if rule.agenda_group is not None:
        head.append(f"agenda-group {quote(rule.agenda_group)}")
    if rule.activation_group is not None:
        head.append(f"activation-group {quote(rule.activation_group)}")
    if rule.date_effective is not None:
        head.append(f'date-effective "{rule.date_effective.isoformat()}"')
    if rule.date_expires is not None:
        head.append(f'date-expires "{rule.date_expires.isoformat()}"')
    return head


def _condition(condition: Expression) -> list[str]:
    if not isinstance(condition, And | Or | Pattern):
        return [print_expression(condition)]
    sign, power = ("||", _OR) if isinstance(condition, Or) else ("&&", _AND)
    parts = [print_clause(clause, power + 1) for clause in clauses(condition)]
    whole = f" {sign} ".join(parts)
    return [whole] if len(whole) <= MAX_LINE else [parts[0], *(f"{sign} {part}" for part in parts[1:])]


def clauses(condition: Expression) -> tuple[Expression | Binding, ...]:
    """What stands between the outermost operators of a condition; a pattern comes apart into bindings and operands."""
    match condition:
        case Pattern(bindings, operands):
            return (*bindings, *operands)
        case And((*before, Pattern(bindings, operands))):
            return (*before, *bindings, *operands)
        case And(operands) | Or(operands):
            return operands
        case _:
            return (condition,)


def print_clause(clause: Expression | Binding, weakest: int = _OR) -> str:
    """One of `clauses` as canonical GRL.

    Args:
        clause: the operand or binding.
        weakest: how tightly it has to bind to go without parentheses; default: any operand does.
    """
    return print_binding(clause) if isinstance(clause, Binding) else _print(clause, weakest)


def print_action(action: Action) -> str:
    """One action, without its semicolon."""
    match action:
        case Assign(target, op, value):
            return f"{print_expression(target)} {op} {print_expression(value)}"
        case Decide(outcome, reason):
            return f"{outcome.capitalize()}({'' if reason == Literal('') else print_expression(reason)})"
        case Log(text):
            return f"Log({print_expression(text)})"
        case Retract(rule):
            return f"Retract({quote(rule)})"
        case Complete():
            return "Complete()"
        case Emit(name, args):
            return f"{name}({_arguments(args)})"


def print_expression(node: Expression) -> str:
    """An expression as canonical GRL.

    >>> from decimal import Decimal
    >>> print_expression(Compare("<", Path("Order", ("lines", 0, "net price")), Literal(Decimal("1E+1"))))
    'Order.lines[0]["net price"] < 10'
    """
    return _print(node, _OR)


def _print(node: Expression, weakest: int) -> str:
    """The node; in parentheses when it binds less than `weakest`."""
    # Nearly all nodes are of these kinds, and every load prints all rules for their digest.
    if isinstance(node, Literal):
        return print_value(node.value)
    if isinstance(node, Path):
        return _path(node.fact, node.steps)
    if isinstance(node, Compare):
        text = f"{_print(node.left, _SUM)} {node.op} {_print(node.right, _SUM)}"
        return f"({text})" if weakest > _COMPARISON else text
    match node:
        case Bound(name, _, steps):
            return _path(name, steps)
        case Item(base, Literal(str() as name)):
            return _print(base, _UNARY) + _step(name)
        case Item(base, key):
            return f"{_print(base, _UNARY)}[{_print(key, _OR)}]"
        case ListLiteral(items):
            return f"[{_arguments(items)}]"
        case Call(name, args):
            return f"{name}({_arguments(args)})"
        case Quantifier(kind, fact, operand) | Aggregate(kind, fact, operand):
            whole = operand == Literal(True) and kind in ("exists", "forall", "Count")
            return f"{kind}({fact if whole else print_expression(operand)})"
        case Not(operand):
            return "!" + _print(operand, _UNARY)
        case Negate(operand):
            # `-3` is a literal, so minus a literal needs the parentheses.
            return f"-({_print(operand, _OR)})" if isinstance(operand, Literal) else "-" + _print(operand, _UNARY)
        case Or(operands):
            power, text = _OR, " || ".join(_print(operand, _OR + 1) for operand in operands)
        case And(operands):
            power, text = _AND, " && ".join(_print(operand, _AND + 1) for operand in operands)
        case Pattern():
            # Only ever a whole condition or an operand of its outermost `&&`, so it needs no parentheses.
            return " && ".join(print_clause(clause, _AND + 1) for clause in clauses(node))
        case TextTest(op, left, right):
            power, text = _COMPARISON, f"{_print(left, _SUM)} {op} {_print(right, _SUM)}"
        case Membership(item, container):
            power, text = _COMPARISON, f"{_print(item, _SUM)} in {_print(container, _SUM)}"
        case Arithmetic(op, left, right):
            power = _SUM if op in ("+", "-") else _PRODUCT
            text = f"{_print(left, power)} {op} {_print(right, power + 1)}"
    return f"({text})" if power < weakest else text


def print_binding(binding: Binding) -> str:
    """A binding as canonical GRL.

    >>> print_binding(Binding("a", "Payment", "payments", 600, absent=True))
    'not a: Payment from stream("payments") over window(10 min, sliding)'
    """
    word = "not " if binding.absent else ""
    window = f"window({print_duration(binding.window_s)}, sliding)"
    return f"{word}{binding.name}: {binding.fact} from stream({quote(binding.stream)}) over {window}"


def _arguments(nodes: Iterable[Expression]) -> str:
    return ", ".join(print_expression(node) for node in nodes)


@functools.lru_cache(maxsize=1_024)
def _path(name: str, steps: tuple[str | int, ...]) -> str:
    return name + "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _NAME.match(step) else f"[{quote(step)}]"


def print_value(value: Scalar) -> str:
    """A constant as GRL."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Decimal):
        return print_number(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | Day):
        return f'Date("{value.isoformat()}")'
    if isinstance(value, time):
        return f'Time("{clock_text(value)}")'
    return f'Duration("{clock_text(value)}")'


def quote(text: str) -> str:
    """A text in double quotes, escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
