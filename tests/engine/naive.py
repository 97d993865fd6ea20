"""The meaning of rules, as plainly as it can be written: slow, obvious, and apart from the engine it is held against.

Numbers are decimals throughout, every plan tests every condition again, every firing copies all facts. It shares the
nodes and the bodies of the functions with the engine, and nothing else."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

import re2

from engine import nodes
from engine.functions import FUNCTIONS, invoke
from engine.nodes import Path, Rule
from engine.schema import Schema

OUTCOMES = ["accept", "review", "reject"]
QUIET = re2.Options()
QUIET.log_errors = False
MAX_TEXT = 100_000
MAX_NESTING = 32
MAX_PARTS = 10_000


@dataclass
class Answer:
    outcome: str = "accept"
    fired: list[str] = field(default_factory=list)
    reasons: list[tuple[str | None, str, str]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    code: str | None = None


class Refused(Exception):
    pass


# Values: None, bool, Decimal, str, datetime, list, dict.


def take(raw: Any) -> Any:
    if raw is None or isinstance(raw, bool | str):
        return raw
    if isinstance(raw, int | float | Decimal):
        number = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
        if not number.is_finite():
            raise Refused("not finite")
        if number and not (Decimal("1e-290") <= abs(number) < Decimal("1e300")):
            raise Refused("out of range")
        if len("".join(map(str, number.as_tuple().digits)).strip("0")) > 15:
            raise Refused("too many digits")
        return number
    if isinstance(raw, datetime):
        return raw.astimezone(UTC) if raw.tzinfo else raw.replace(tzinfo=UTC)
    if isinstance(raw, date):
        return datetime(raw.year, raw.month, raw.day, tzinfo=UTC)
    if isinstance(raw, list | tuple):
        return [take(item) for item in raw]
    if isinstance(raw, dict):
        return {name: take(item) for name, item in raw.items() if item is not None}
    raise Refused("no such kind")


def rounded(number: Decimal) -> Decimal | None:
    if not number.is_finite():
        return None
    number = Context(prec=15, rounding=ROUND_HALF_EVEN).create_decimal(number)
    if abs(number) < Decimal("1e-290"):
        return Decimal(0)
    return number if abs(number) < Decimal("1e300") else None


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return str(plain(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(text(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {text(item)}' for name, item in value.items())}}}"
    return str(value)


def kind(value: Any) -> str:
    return KINDS[type(value)]


KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "text",
    datetime: "date",
    list: "list",
    dict: "object",
}


def equal(a: Any, b: Any) -> bool:
    if kind(a) != kind(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return set(a) == set(b) and all(equal(a[name], b[name]) for name in a)
    return a == b


def less(a: Any, b: Any) -> bool:
    return kind(a) == kind(b) and kind(a) in ("number", "text", "date") and bool(a < b)


def compare(op: str, a: Any, b: Any) -> bool:
    match op:
        case "==":
            return equal(a, b)
        case "!=":
            return not equal(a, b)
        case "<":
            return less(a, b)
        case ">":
            return less(b, a)
    ordered = kind(a) == kind(b) and kind(a) in ("number", "text", "date")
    return ordered and (equal(a, b) or (less(a, b) if op == "<=" else less(b, a)))


def arithmetic(op: str, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    if op == "+" and (isinstance(a, str) or isinstance(b, str)):
        joined = text(a) + text(b)
        return joined if len(joined) <= MAX_TEXT else None
    if kind(a) != "number" or kind(b) != "number":
        return None
    with localcontext(Context(prec=2_000)):
        match op:
            case "+":
                return rounded(a + b)
            case "-":
                return rounded(a - b)
            case "*":
                return rounded(a * b)
            case "%":
                return rounded(a % b) if b else None
        return rounded(a / b) if b else None


def parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []


def fresh(value: Any) -> Any:
    """A copy that shares nothing that could be changed."""
    if isinstance(value, list):
        return [fresh(item) for item in value]
    return {name: fresh(item) for name, item in value.items()} if isinstance(value, dict) else value


def nesting(value: Any) -> int:
    return 1 + max(map(nesting, parts(value)), default=0) if isinstance(value, list | dict) else 0


def size(value: Any) -> int:
    return 1 + sum(map(size, parts(value)))


def to_engine(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return tuple(to_engine(item) for item in value)
    return {name: to_engine(item) for name, item in value.items()} if isinstance(value, dict) else value


def from_engine(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, tuple):
        return [from_engine(item) for item in value]
    return {name: from_engine(item) for name, item in value.items()} if isinstance(value, dict) else value


def follow(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def elements(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


class Naive:
    """Evaluates one ruleset. Of a schema it knows the kinds that may be assigned; the facts it takes to be right."""

    def __init__(self, rules: list[Rule], max_firings: int = 1_000, schema: Schema | None = None) -> None:
        self.schema = schema
        self.max_firings = max_firings
        self.rules = sorted(rules, key=lambda rule: -rule.salience)
        self.reads = {rule.name: list(self.paths(rule.condition)) for rule in rules}

    # Expressions.

    def value(self, node: Any, facts: dict[str, Any], element: dict[str, Any]) -> Any:
        match node:
            case nodes.Literal(value):
                return take(value)
            case nodes.ListLiteral(items):
                return [self.value(item, facts, element) for item in items]
            case Path(fact, steps):
                return follow(element[fact] if fact in element else facts.get(fact), steps)
            case nodes.And(operands):
                return all(self.value(operand, facts, element) is True for operand in operands)
            case nodes.Or(operands):
                return any(self.value(operand, facts, element) is True for operand in operands)
            case nodes.Not(operand):
                return self.value(operand, facts, element) is not True
            case nodes.Negate(operand):
                value = self.value(operand, facts, element)
                return -value if isinstance(value, Decimal) else None
            case nodes.Compare(op, left, right):
                return compare(op, self.value(left, facts, element), self.value(right, facts, element))
            case nodes.Arithmetic(op, left, right):
                return arithmetic(op, self.value(left, facts, element), self.value(right, facts, element))
            case nodes.Membership(item, container):
                value, items = self.value(item, facts, element), self.value(container, facts, element)
                return isinstance(items, list) and any(equal(value, one) for one in items)
            case nodes.TextTest(op, left, right):
                return self.text_test(op, self.value(left, facts, element), self.value(right, facts, element))
            case nodes.Call(name, args):
                values = [to_engine(self.value(arg, facts, element)) for arg in args]
                return from_engine(invoke(FUNCTIONS[name], [self.as_of, *values] if name == "Now" else values))
            case nodes.Quantifier(kind, fact, condition):
                answers = [
                    self.value(condition, facts, element | {fact: one}) is True for one in elements(facts.get(fact))
                ]
                return any(answers) if kind == "exists" else all(answers)
            case nodes.Aggregate(kind, fact, operand):
                values = [self.value(operand, facts, element | {fact: one}) for one in elements(facts.get(fact))]
                return self.aggregate(kind, values)
        raise AssertionError(node)

    def text_test(self, op: str, whole: Any, part: Any) -> bool:
        if isinstance(whole, list) and op == "contains":
            return any(equal(part, one) for one in whole)
        if not isinstance(whole, str) or not isinstance(part, str):
            return False
        if op == "matches":
            try:
                return re2.search(part, whole, QUIET) is not None
            except (re2.error, UnicodeEncodeError):
                return False
        return {"contains": part in whole, "startsWith": whole.startswith(part), "endsWith": whole.endswith(part)}[op]

    def aggregate(self, kind_: str, values: list[Any]) -> Any:
        if kind_ == "Count":
            return Decimal(sum(value is True for value in values))
        values = [value for value in values if value is not None]
        if kind_ in ("Sum", "Avg"):
            if any(kind(value) != "number" for value in values):
                return None
            total: Any = Decimal(0)
            for value in values:
                total = arithmetic("+", total, value)
            return total if kind_ == "Sum" else arithmetic("/", total, Decimal(len(values)))
        if len({kind(value) for value in values}) != 1 or kind(values[0]) not in ("number", "text", "date"):
            return None
        return min(values) if kind_ == "Min" else max(values)

    # Fields that a condition reads, with the value of each, to see whether it changed.

    def seen(self, rule: Rule, facts: dict[str, Any]) -> list[Any]:
        found = []
        for path, bound in self.reads[rule.name]:
            value = facts.get(path.fact)
            found.append([follow(one, path.steps) for one in elements(value)] if bound else follow(value, path.steps))
        return found

    def paths(self, node: Any, bound: frozenset[str] = frozenset()) -> Iterator[tuple[Path, bool]]:
        if isinstance(node, Path):
            yield node, node.fact in bound
        for inner in self.inner(node):
            more = {node.fact} if isinstance(node, nodes.Quantifier | nodes.Aggregate) else set()
            yield from self.paths(inner, bound | more)

    def inner(self, node: Any) -> list[Any]:
        found = []
        for name in getattr(node, "__slots__", ()):
            value = getattr(node, name)
            found += [one for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, nodes.Node)]
        return found

    # The cycle.

    def evaluate(self, raw: dict[str, Any], as_of: datetime) -> Answer:
        self.as_of = as_of
        try:
            facts = self.take_facts(raw)
        except Refused:
            return Answer("error", code="facts-rejected")
        start = fresh(facts)
        answer = Answer()
        targets: dict[str, Path] = {}
        blocked: set[str] = set()
        changed_since: dict[str, bool] = {}
        alive = {rule.name for rule in self.rules if self.holds(rule, facts)}
        complete = False
        while not complete:
            holding = [rule for rule in self.rules if self.holds(rule, facts)]
            alive &= {rule.name for rule in holding}
            agenda = [
                rule
                for rule in holding
                if rule.name not in blocked
                and changed_since.get(rule.name, True)
                and (not rule.lock_on_active or rule.name in alive)
            ]
            if not agenda:
                break
            rule = agenda[0]
            if len(answer.fired) >= self.max_firings and rule.name in answer.fired:
                return Answer("error", code="rules-diverged")
            answer.fired.append(rule.name)
            changed_since[rule.name] = False
            if rule.lock_on_active:
                blocked.add(rule.name)
            if rule.activation_group:
                blocked |= {
                    other.name
                    for other in self.rules
                    if other.activation_group == rule.activation_group and other is not rule
                }
            moved = set()
            for action in rule.actions:
                match action:
                    case nodes.Decide(outcome, reason):
                        answer.reasons.append((rule.name, outcome, text(self.value(reason, facts, {}))[:MAX_TEXT]))
                    case nodes.Log(said):
                        answer.logs.append(text(self.value(said, facts, {}))[:MAX_TEXT])
                    case nodes.Retract(name):
                        blocked.add(name)
                    case nodes.Complete():
                        complete = True
                    case nodes.Assign(target, op, value):
                        was = {other.name: fresh(self.seen(other, facts)) for other in self.rules}
                        try:
                            self.assign(target, op, self.value(value, facts, {}), facts, targets)
                        except Refused:
                            return Answer("error", code="assignment-refused")
                        moved |= {
                            other.name for other in self.rules if not equal(was[other.name], self.seen(other, facts))
                        }
            for name in moved:
                if name != rule.name or not rule.no_loop:
                    changed_since[name] = True
        for name, path in targets.items():
            old, new = follow(start.get(path.fact), path.steps), follow(facts.get(path.fact), path.steps)
            if not equal(old, new):
                answer.changes[name] = plain(new)
        answer.outcome = max([outcome for _, outcome, _ in answer.reasons], key=OUTCOMES.index, default="accept")
        return answer

    def holds(self, rule: Rule, facts: dict[str, Any]) -> bool:
        if rule.agenda_group not in (None, "MAIN"):
            return False
        if rule.date_effective is not None and self.as_of < rule.date_effective:
            return False
        if rule.date_expires is not None and self.as_of >= rule.date_expires:
            return False
        return self.value(rule.condition, facts, {}) is True

    def assign(self, target: Path, op: str, value: Any, facts: dict[str, Any], targets: dict[str, Path]) -> None:
        old = follow(facts.get(target.fact), target.steps)
        new = value if op == "=" else arithmetic(op[0], old, value)
        if nesting(new) + len(target.steps) > MAX_NESTING or size(new) > MAX_PARTS:
            new = None
        steps = target.steps[1:] if isinstance(target.steps[0], int) else target.steps
        if self.schema is not None and len(steps) == 1:
            wanted = self.schema.facts[target.fact].fields[str(steps[0])].kind
            if kind(new) not in (wanted, "null"):
                raise Refused("another kind")
        if equal(old, new):
            return
        name = target.fact + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in target.steps)
        holder: Any = facts
        keys: tuple[Any, ...] = (target.fact, *target.steps)
        for key, next_key in itertools.pairwise(keys):
            if isinstance(holder, dict) and holder.get(key) is None and isinstance(next_key, str):
                holder[key] = {}
            holder = holder[key] if isinstance(holder, list) else holder.get(key)
            if isinstance(next_key, int):
                if not isinstance(holder, list) or next_key >= len(holder):
                    raise Refused("no such item")
                if holder[next_key] is None and next_key is not keys[-1]:
                    holder[next_key] = {}
            elif not isinstance(holder, dict):
                raise Refused("no such object")
        if new is None and isinstance(holder, dict):
            holder.pop(keys[-1], None)
        else:
            holder[keys[-1]] = fresh(new)
        targets.setdefault(name, target)

    # What rules read of the facts has to be made of values.

    def take_facts(self, raw: dict[str, Any]) -> dict[str, Any]:
        whole: set[str] = set()
        fields: dict[str, set[str | int]] = {}
        for rule in self.rules:
            for node, bound in self.everything(rule):
                if isinstance(node, Path):
                    take(self.raw_follow(raw, node, bound))
                    steps = node.steps
                    if steps and isinstance(steps[0], int):
                        steps = steps[1:]
                    if not steps:
                        whole.add(node.fact)
                    else:
                        fields.setdefault(node.fact, set()).add(steps[0])
            for action in rule.actions:
                if isinstance(action, nodes.Assign):
                    wanted = list if isinstance(action.target.steps[0], int) else dict
                    if not isinstance(raw.get(action.target.fact), wanted | None):
                        raise Refused("no object")
        return {name: self.clean(name, fact, whole, fields) for name, fact in raw.items()}

    def clean(self, name: str, fact: Any, whole: set[str], fields: dict[str, set[str | int]]) -> Any:
        if name in whole:
            return take(fact)
        if isinstance(fact, dict):
            return {key: self.lenient(value) for key, value in fact.items() if value is not None}
        return [self.clean(name, one, whole, fields) for one in fact] if isinstance(fact, list) else self.lenient(fact)

    def lenient(self, raw: Any) -> Any:
        """Values that no rule reads may be anything."""
        if isinstance(raw, dict):
            return {name: self.lenient(value) for name, value in raw.items() if value is not None}
        if isinstance(raw, list):
            return [self.lenient(value) for value in raw]
        try:
            return take(raw)
        except Refused:
            return None

    def raw_follow(self, raw: dict[str, Any], path: Path, bound: bool) -> Any:
        value = raw.get(path.fact)
        return [follow(one, path.steps) for one in elements(value)] if bound else follow(value, path.steps)

    def everything(self, rule: Rule) -> Iterator[tuple[Any, bool]]:
        stack: list[tuple[Any, frozenset[str]]] = [(rule.condition, frozenset())]
        for action in rule.actions:
            for name in getattr(action, "__slots__", ()):
                value = getattr(action, name)
                if isinstance(value, nodes.Node):
                    stack.append((value, frozenset()))
                if name == "target":
                    # A parent of what is written is read too: it has to be there to be written to.
                    first = 0 if isinstance(value.steps[0], int) else 1
                    stack += [(Path(value.fact, value.steps[:n]), frozenset()) for n in range(first, len(value.steps))]
        while stack:
            node, bound = stack.pop()
            yield node, isinstance(node, Path) and node.fact in bound
            more = {node.fact} if isinstance(node, nodes.Quantifier | nodes.Aggregate) else set()
            stack += [(inner, bound | more) for inner in self.inner(node)]
