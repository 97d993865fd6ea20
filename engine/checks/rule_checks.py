"""Refuse rules that can't mean what they say.  kinds, path_checks, event_checks -> [rule_checks] -> ruleset

Takes rules and a schema, reports every fact, field, function and rule that does not exist and every operand of a kind
that its operator has no answer for. What passed has an answer at run time for all facts that fit the schema. It changes
nothing, and does not look for rules that get in each other's way (`engine.tables.analysis`)."""

from collections.abc import Collection, Mapping, Sequence

from engine.checks.arithmetic_checks import taken_by, unlike_arithmetic
from engine.checks.event_checks import check_bindings, check_bound, is_bound
from engine.checks.foreign_functions import foreign_hint
from engine.checks.kinds import ValueKind, kind_of, kind_of_value, known_path
from engine.checks.path_checks import check_path
from engine.checks.pattern_checks import PatternChecks
from engine.checks.value_checks import check_call, check_constant
from engine.checks.wording import a_kind, abridged, arity, date_hint
from engine.functions import FUNCTIONS
from engine.language import (
    Action,
    Aggregate,
    And,
    Arithmetic,
    Assign,
    Bound,
    Call,
    Compare,
    Decide,
    Emit,
    Expression,
    Item,
    ListLiteral,
    Literal,
    Log,
    Membership,
    Negate,
    Node,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    Retract,
    Rule,
    Source,
    TextTest,
    TooManyProblems,
    pattern_of,
    print_expression,
)
from engine.schema import Schema
from engine.suggestions import did_you_mean

_ORDERED = ("number", "text", "date", "time", "duration")
#: What an aggregate takes, where it takes more than numbers.
_FOLDED = dict.fromkeys(("Min", "Max"), "number or text or date or time or duration")
_FOLDED["CountDistinct"] = "number or text or date or time or duration or boolean"


def check_rules(rules: Sequence[Rule], schema: Schema | None, sources: Mapping[str, Source]) -> None:
    """Report what is wrong with rules to the sources they came from.

    Args:
        rules: all rules of the ruleset.
        schema: the facts; None: every fact and field exists, of any kind.
        sources: by the name that the rules' spans carry.
    """
    names = {rule.name: None for rule in rules}
    full: set[str] = set()
    checker = _Checker(schema, names)
    for rule in rules:
        if rule.span is not None and rule.span.source not in full:
            try:
                checker.check(rule, sources[rule.span.source])
            except TooManyProblems:
                full.add(rule.span.source)


class _Checker:
    """Checks the rules of one ruleset, one after the other."""

    _rule: Rule
    _source: Source
    #: The list fact whose element is at hand, inside a quantifier or an aggregate.
    _element: str | None

    def __init__(self, schema: Schema | None, names: Collection[str]) -> None:
        self._schema, self._names, self._patterns = schema, names, PatternChecks()
        #: Fact and steps to the kind of a field of which nothing is to be said, whoever names it.
        self._fields: dict[tuple[str, tuple[str | int, ...]], ValueKind] = {}

    def check(self, rule: Rule, source: Source) -> None:
        self._rule, self._source, self._element = rule, source, None
        self._pattern = pattern_of(rule.condition)
        self._condition(rule.condition)
        for action in rule.actions:
            self._action(action)

    def _report(self, node: Node, code: str, message: str, hint: str = "", warning: bool = False) -> None:
        span = node.span or self._rule.span
        if span is not None and not self._source.is_misread(span):
            self._source.report_at(span, code, message, hint, "warning" if warning else "error")

    # Actions

    def _action(self, action: Action) -> None:
        match action:
            case Assign():
                self._assignment(action)
            case Decide(_, text) | Log(text):
                kind = self._visit(text)
                if kind not in ("text", *_ORDERED, "any"):
                    hint = "join texts and values with '+'"
                    self._report(text, "wrong-kind", f"expected a text, this is {a_kind(kind)}", hint)
            case Emit(_, args):
                check_call(action, [self._visit(arg) for arg in args], self._schema, self._report)
            case Retract(name):
                if name not in self._names:
                    self._report(action, "unknown-rule", f"there is no rule '{name}'", did_you_mean(name, self._names))

    def _assignment(self, action: Assign) -> None:
        target = action.target
        if isinstance(action.value, And | Or) and kind_of(target, self._schema) not in ("boolean", "any"):
            # One mistake: whoever writes so means neither a boolean nor conditions.
            message = f"'&&' and '||' give true or false, and {print_expression(target)} has neither"
            self._report(action, "wrong-kind", message, "texts are joined with +; Coalesce(a, b) is a, or b for null")
            return
        kind = self._visit(action.value)
        if self._schema is not None and target.fact in self._schema.list_facts:
            hint = "write a field of an object fact"
            self._report(target, "list-fact", f"'{target.fact}' is a list, and rules do not write to lists", hint)
            return
        field_kind = self._path(target)
        if action.op == "+=" and "text" in (field_kind, kind):
            kind = "text"
        elif action.op != "=" and field_kind == "duration":
            other = "number" if action.op in ("*=", "/=") else "duration"
            self._takes(f"'{action.op}' on a duration", other, action.value, kind)
            kind = "duration"
        elif action.op != "=":
            self._takes(f"'{action.op}'", "number", action.value, kind)
            kind = "number"
        if field_kind != "any" and kind not in (field_kind, "any", "null"):
            message = f"{print_expression(target)} is {a_kind(field_kind)}, and this assigns {a_kind(kind)}"
            hint = "write With(list, item)" if field_kind == "list" and action.op in ("=", "+=") else ""
            self._report(action, "wrong-kind", message, hint)
        if action.op == "=":
            check_constant(target, action.value, self._schema, self._report)

    # Conditions

    def _condition(self, node: Expression) -> None:
        kind = self._visit(node)
        if kind not in ("boolean", "any"):
            shown = abridged(node)
            hint = f"compare it: {shown} != null" if isinstance(node, Path) else "compare it with something"
            self._report(node, "not-a-condition", f"expected a condition, {shown} is {a_kind(kind)}", hint)

    def _visit(self, node: Expression) -> ValueKind:
        """Check an expression and everything in it; its kind."""
        match node:
            # Most nodes are these: asked first, they are not compared with all other kinds.
            case Path():
                return self._path(node)
            case Literal():
                return kind_of_value(node.value)
            case Compare():
                self._comparison(node)
                return "boolean"
            case Item():
                return self._item(node)
            case Bound():
                return check_bound(node, self._schema, self._report)
            case Pattern(_, operands):
                check_bindings(node, self._schema, self._report)
                for operand in operands:
                    self._condition(operand)
            case And(operands) | Or(operands):
                for operand in operands:
                    self._condition(operand)
            case Not(operand):
                self._condition(operand)
            case Negate(operand):
                self._takes("'-'", "number", operand, self._visit(operand))
            case Arithmetic():
                kinds = (kind_of(node.left, self._schema), kind_of(node.right, self._schema))
                problem = unlike_arithmetic(node, *kinds)
                if problem is not None:
                    self._report(node, "wrong-kind", *problem)
                    return "any"
                left, right = self._visit(node.left), self._visit(node.right)
                taken = taken_by(node.op, left, right)
                self._takes(f"'{node.op}'", taken[0], node.left, left)
                self._takes(f"'{node.op}'", taken[1], node.right, right)
            case Membership():
                self._membership(node)
            case TextTest():
                self._text_test(node)
            case Call():
                self._call(node)
            case ListLiteral(items):
                for item in items:
                    self._visit(item)
            case Quantifier(_, fact, operand) | Aggregate(_, fact, operand):
                self._over_list(node, fact, operand)
        return kind_of(node, self._schema)

    def _takes(self, operator: str, kinds: str, node: Expression, kind: ValueKind) -> bool:
        """Whether an operator takes an operand of a kind; reported when it does not."""
        if kind in ("any", "null") or kind in kinds.split(" or "):
            return True
        self._report(node, "wrong-kind", f"{operator} takes {a_kind(kinds)}, {abridged(node)} is {a_kind(kind)}")
        return False

    def _comparison(self, node: Compare) -> None:
        left, right = self._visit(node.left), self._visit(node.right)
        if node.op not in ("==", "!="):
            for operand, kind in ((node.left, left), (node.right, right)):
                if kind not in _ORDERED and kind != "any":
                    message = f"'{node.op}' orders numbers, texts and dates, {abridged(operand)} is {a_kind(kind)}"
                    turned = "! binds tighter than a comparison: write !( … ) around all of it"
                    self._report(node, "wrong-kind", message, turned if isinstance(operand, Not) else "")
                    return
            if "any" not in (left, right) and left != right:
                message = f"'{node.op}' can't order {a_kind(left)} against {a_kind(right)}"
                self._report(node, "wrong-kind", message, date_hint(left, right))
            return
        if left != right and not {left, right} & {"any", "null"}:
            answer = "always false" if node.op == "==" else "always true"
            message = f"{a_kind(left)} never equals {a_kind(right)}, so this is {answer}"
            hint = "write !( … ) around the comparison" if isinstance(node.left, Not) else date_hint(left, right)
            self._report(node, "never-equal", message, hint, warning=True)
        for path, value in ((node.left, node.right), (node.right, node.left)):
            if isinstance(path, Path) and isinstance(value, Literal):
                check_constant(path, value, self._schema, self._report, warning=True)

    def _membership(self, node: Membership) -> None:
        kind, container = self._visit(node.item), self._visit(node.container)
        if container == "text":
            message = "'in' looks into a list, and this is a text"
            self._report(node.container, "wrong-kind", message, 'write text contains "…"')
        else:
            self._takes("'in'", "list", node.container, container)
        if isinstance(node.container, ListLiteral):
            for item in node.container.items:
                other = kind_of(item, self._schema)
                if kind != other and not {kind, other} & {"any", "null"}:
                    message = f"{a_kind(kind)} never equals {a_kind(other)}"
                    self._report(item, "never-equal", message, date_hint(kind, other), warning=True)
                elif isinstance(node.item, Path):
                    check_constant(node.item, item, self._schema, self._report, warning=True)

    def _text_test(self, node: TextTest) -> None:
        left, right = self._visit(node.left), self._visit(node.right)
        name = f"'{node.op}'"
        if not self._takes(name, "text or list" if node.op == "contains" else "text", node.left, left):
            return
        if left == "text" or node.op != "contains":
            self._takes(name, "text", node.right, right)
        if node.op == "matches":
            self._patterns.check(node, self._report)

    def _call(self, node: Call) -> None:
        kinds = [self._visit(arg) for arg in node.args]
        function = FUNCTIONS.get(node.name)
        if function is None:
            hint = foreign_hint(node.name, FUNCTIONS)
            self._report(node, "unknown-function", f"there is no function '{node.name}'", hint)
            return
        count = len(node.args)
        if count < function.least or (function.most is not None and count > function.most):
            message = f"{node.name} takes {arity(function)}, {count} given"
            self._report(node, "wrong-arity", message, f"it is called {function.signature}")
            return
        for position, (arg, kind) in enumerate(zip(node.args, kinds, strict=True)):
            param = function.kind_at(position)
            if param != "any":
                self._takes(node.name, param, arg, kind)

    def _over_list(self, node: Quantifier | Aggregate, fact: str, operand: Expression) -> None:
        self._element = fact
        if isinstance(node, Quantifier) or node.kind == "Count":
            self._condition(operand)
        else:
            kinds = _FOLDED.get(node.kind, "number")
            kinds = f"{kinds} or list" if self._schema is None else kinds
            self._takes(node.kind, kinds, operand, self._visit(operand))
        self._element = None

    def _item(self, node: Item) -> ValueKind:
        known = known_path(node, self._schema)
        if known is not None:
            # The whole path at once, not each part of it: a list fact is no field, and an item of it is.
            base: Expression = node
            while isinstance(base, Item):
                self._key(base.key)
                base = base.base
            return self._path(known)
        kind = self._visit(node.base)
        if kind not in ("list", "object", "any", "null"):
            self._report(node, "unknown-field", f"{abridged(node.base)} is {a_kind(kind)}, and has no items")
        self._key(node.key)
        return "any"

    def _key(self, key: Expression) -> None:
        self._takes("an index", "number or text", key, self._visit(key))

    def _path(self, path: Path) -> ValueKind:
        if is_bound(path, self._pattern):
            hint = "actions know the facts of the job; `rulefarm explain` shows the events"
            self._report(path, "pattern-name", f"'{path.fact}' is an event of the condition, unknown to actions", hint)
            return "any"
        if self._element is not None:
            return check_path(path, self._schema, self._element, self._report)
        place = (path.fact, path.steps)
        kind = self._fields.get(place) or check_path(path, self._schema, None, self._report)
        if kind != "any":
            # What does not exist is reported wherever it is named, and is of any kind.
            self._fields[place] = kind
        return kind
