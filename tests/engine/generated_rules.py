"""Rulesets made up from a seed: every node, few values, so that they meet often.

About two facts, `P` (an object) and `L` (a list of objects), over the values of `pools`. A seed instead of hypothesis'
own strategies, because those take longer to make one ruleset than the evaluators take to run a thousand."""

import random
from decimal import Decimal

from engine.functions import FUNCTIONS
from engine.language import Expression, Path, Rule, nodes
from tests.engine.pools import (
    CALLED,
    CLOCKS,
    DAYS,
    DERIVED,
    EDGES,
    EMITTED,
    FIELDS,
    LENGTH,
    LINE_FIELDS,
    LITERALS,
    NUMBERS,
    NUMERIC,
    ODD_PATHS,
    ORDER,
    PATTERNS,
    TEXT_OPS,
    WHOLES,
    between,
)


class Maker:
    """Makes nodes."""

    def __init__(self, random_: random.Random, flat: bool = False) -> None:
        self.random = random_
        self.pick = random_.choice
        #: Whether rules read nothing but `P` and elements of `L`, and write nothing but fields of `P`.
        self.flat = flat
        #: Whether the path of an element may be used, that is, within a quantifier.
        self.within = False

    def one_in(self, count: int) -> bool:
        return self.random.randrange(count) == 0

    def number(self) -> Decimal:
        return Decimal(self.pick(EDGES if self.one_in(12) else NUMBERS))

    def literal(self, hint: str = "") -> nodes.Literal:
        """A literal; of the kind that a field of this name mostly has, if one is named."""
        kind = self.random.randrange(12)
        if hint in NUMERIC and kind < 10:
            return nodes.Literal(self.number())
        if hint in ("t", "u") and kind < 10:
            return nodes.Literal(self.pick(LITERALS))
        if hint == "d" and kind < 10:
            return nodes.Literal(self.pick(DAYS))
        if hint in CLOCKS and kind < 10:
            return nodes.Literal(self.pick(CLOCKS[hint]))
        match kind:
            case 0:
                return nodes.Literal(None)
            case 1 | 2:
                return nodes.Literal(self.one_in(2))
            case 3 | 4 | 5:
                return nodes.Literal(self.pick(LITERALS))
            case 6:
                return nodes.Literal(self.pick(DAYS))
            case 7:
                return nodes.Literal(self.pick(CLOCKS[self.pick(sorted(CLOCKS))]))
        return nodes.Literal(self.number())

    def path(self) -> Path:
        if self.within and not self.one_in(3):
            return Path("L", (self.pick(LINE_FIELDS),))
        if self.one_in(15):
            return Path("P", ("x", "y")) if self.within else self.pick(ODD_PATHS[:2] if self.flat else ODD_PATHS)
        if self.one_in(12):
            return Path("P", (self.pick([*DERIVED, LENGTH]),))
        return Path("P", (self.pick(NUMERIC if self.one_in(2) else FIELDS),))

    def list_of(self, hint: str = "") -> nodes.ListLiteral:
        return nodes.ListLiteral(tuple(self.literal(hint) for _ in range(self.random.randrange(5))))

    def value(self, depth: int) -> Expression:
        roll = self.random.randrange(14)
        if depth == 0 or roll < 4:
            return self.path() if self.random.randrange(3) else self.literal()
        inner = depth - 1
        if roll == 8:
            return self.item(inner)
        if roll < 8:
            return nodes.Arithmetic(self.pick("++-**/%"), self.value(inner), self.value(inner))  # type: ignore[arg-type]
        if roll == 9:
            return nodes.Negate(self.value(inner))
        if roll == 10:
            return nodes.ListLiteral(tuple(self.value(inner) for _ in range(self.random.randrange(3))))
        if roll == 11 and not self.within:
            return self.aggregate(inner)
        return self.call(inner)

    def item(self, depth: int) -> Expression:
        """What a list or an object has at a computed place, with a member or a place of it now and then."""
        whole = self.pick([*WHOLES[:4], *([] if self.flat else WHOLES[4:])])
        name = Path("P", (self.pick([*NUMERIC, "t"]),))
        key = name if self.one_in(2) else nodes.Arithmetic("-", name, self.value(depth))
        made = nodes.Item(whole, nodes.Call("Coalesce", (key, nodes.Literal("y"))) if self.one_in(3) else key)
        return nodes.Item(made, nodes.Literal(self.pick(LINE_FIELDS))) if self.one_in(3) else made

    def call(self, depth: int) -> Expression:
        match self.random.randrange(6):
            case 0 | 4:
                function = FUNCTIONS[self.pick(CALLED)]
                most = function.least + 1 if function.most is None else function.most
                count = self.random.randrange(function.least, most + 1)
                return nodes.Call(function.name, tuple(self.value(depth) for _ in range(count)))
            case 2:
                return nodes.Call("DaysBetween", (self.path(), nodes.Call("Now")))
            case 3:
                return nodes.Call("Round", (self.value(depth), nodes.Literal(Decimal(self.random.randrange(3)))))
        return nodes.Call(self.pick(["Max", "Coalesce"]), (self.value(depth), self.value(depth)))

    def aggregate(self, depth: int) -> Expression:
        self.within = True
        if self.one_in(3):
            made = nodes.Aggregate("Count", "L", self.condition(depth))
        else:
            made = nodes.Aggregate(self.pick(["CountDistinct", "Sum", "Min", "Max", "Avg"]), "L", self.value(depth))  # type: ignore[arg-type]
        self.within = False
        return made

    def simple(self) -> Expression:
        """Mostly a path against a literal, as rules have it."""
        path = self.path()
        hint = str(path.steps[0]) if path.steps else ""
        match self.random.randrange(10):
            case 0:
                return nodes.Compare(self.pick(ORDER), self.literal(hint), path)  # type: ignore[arg-type]
            case 1 | 2:
                return nodes.Membership(path, self.list_of(hint))
            case 3:
                part = nodes.Literal(self.pick(LITERALS + PATTERNS))
                return nodes.TextTest(self.pick(TEXT_OPS), path, part)  # type: ignore[arg-type]
            case 4:
                return path
        return nodes.Compare(self.pick(ORDER), path, self.literal(hint))  # type: ignore[arg-type]

    def multiple(self) -> Expression:
        """A field against a multiple of another, in the forms that people write."""
        left, right = self.random.sample([*NUMERIC, "took", LENGTH] if self.one_in(4) else NUMERIC, 2)
        over, under = Path("P", (left,)), Path("P", (right,))
        factor = nodes.Literal(self.number())
        forms: list[tuple[Expression, Expression]] = [
            (over, nodes.Arithmetic("*", under, factor)),
            (nodes.Arithmetic("*", factor, over), under),
            (nodes.Arithmetic("*", over, nodes.Literal(self.number())), nodes.Arithmetic("*", under, factor)),
            (nodes.Arithmetic("/", over, under), factor),
            (over, under),
            (nodes.Call("Abs", (nodes.Arithmetic("-", over, under),)), factor),
            (nodes.Arithmetic("-", nodes.Arithmetic("/", over, under), Path("P", ("k",))), factor),
            (nodes.Call("Coalesce", (over, nodes.Literal(self.number()))), factor),
            (nodes.Arithmetic("-", over, factor), nodes.Arithmetic("*", under, factor)),
        ]
        test = nodes.Compare(self.pick(ORDER), *self.pick(forms))  # type: ignore[arg-type]
        return nodes.Not(test) if self.one_in(5) else test

    def condition(self, depth: int) -> Expression:
        roll = self.random.randrange(16)
        if depth == 0 or roll < 5:
            return self.simple()
        inner = depth - 1
        if roll < 10:
            operands = tuple(self.condition(inner) for _ in range(self.random.randrange(2, 4)))
            return nodes.And(operands) if roll % 2 else nodes.Or(operands)
        if roll == 10:
            return nodes.Not(self.condition(inner)) if self.one_in(2) else between(self.pick)
        if roll == 11 and not self.within:
            self.within = True
            made = nodes.Quantifier(self.pick(["exists", "forall"]), "L", self.condition(inner))  # type: ignore[arg-type]
            self.within = False
            return made
        if roll == 12:
            return nodes.Membership(self.value(inner), self.value(inner))
        if roll == 13:
            return nodes.TextTest(self.pick(TEXT_OPS), self.value(inner), self.value(inner))  # type: ignore[arg-type]
        return nodes.Compare(self.pick(ORDER), self.value(inner), self.value(inner))  # type: ignore[arg-type]

    def pattern(self) -> nodes.Pattern:
        """Events of `L`, as if it were a stream; now and then with an absence, now and then in a shorter window."""
        names = ["a", "b", "c"][: self.pick([1, 2, 2, 2, 3])]
        absent = ["z"] if self.one_in(3) else []
        bindings = []
        for name in names + absent:
            time = ("P", "d") if self.one_in(5) else None
            bindings.append(nodes.Binding(name, "P", "L", self.pick([1, 43_200, 86_400, 300_000]), name == "z", time))
        operands = [self.about(names) for _ in range(self.random.randrange(4))]
        operands += [self.about(["z", *names], "z") for _ in absent for _ in range(self.random.randrange(1, 3))]
        return nodes.Pattern(tuple(bindings), tuple(operands))

    def about(self, names: list[str], least: str = "") -> Expression:
        """A condition about events: at least about the one, if there is one that it has to be about."""
        left: Expression = self.event_value([least] if least else names)
        match self.random.randrange(8):
            case 0:
                made: Expression = nodes.Membership(left, self.list_of())
            case 1:
                made = nodes.Compare(self.pick(ORDER), left, self.literal())  # type: ignore[arg-type]
            case 2:
                made = nodes.Compare(self.pick(ORDER), Path("P", (self.pick(FIELDS),)), left)  # type: ignore[arg-type]
            case 3:
                other = nodes.Compare(self.pick(ORDER), self.event_value(names), left)  # type: ignore[arg-type]
                made = nodes.Quantifier("exists", "L", nodes.And((self.element_test(), other)))
            case _:
                made = nodes.Compare(self.pick(ORDER), left, self.event_value(names))  # type: ignore[arg-type]
        if self.one_in(8):
            both = (made, self.about(names, least))
            made = nodes.And(both) if self.one_in(2) else nodes.Or(both)
        return nodes.Not(made) if self.one_in(8) else made

    def element_test(self) -> Expression:
        return nodes.Compare(self.pick(ORDER), Path("L", (self.pick(NUMERIC[:2]),)), self.literal("n"))  # type: ignore[arg-type]

    def event_value(self, names: list[str]) -> Expression:
        field = nodes.Bound(self.pick(names), "L", (self.pick(LINE_FIELDS),))
        match self.random.randrange(6):
            case 0:
                return nodes.Arithmetic(self.pick("+-*/"), field, nodes.Literal(self.number()))  # type: ignore[arg-type]
            case 1:
                return nodes.Arithmetic(self.pick("+-*"), field, Path("P", (self.pick(NUMERIC),)))  # type: ignore[arg-type]
        return field

    def action(self, feeding: bool) -> nodes.Action:
        roll = self.random.randrange(12)
        if roll < 4:
            said: Expression = nodes.Literal(self.pick(LITERALS)) if self.one_in(2) else self.value(1)
            return nodes.Decide(self.pick(["accept", "review", "reject"]), said)  # type: ignore[arg-type]
        if roll == 4:
            return nodes.Log(self.value(1))
        if roll < 7 and self.one_in(2):
            return self.sum(feeding)
        if self.one_in(8):
            return self.call_out()
        if not feeding:
            return nodes.Assign(Path("P", (self.pick(["out", "out2"]),)), "=", self.value(1))
        if roll == 5 and self.one_in(2):
            return nodes.Retract(f"R{self.random.randrange(5)}")
        if roll == 6 and self.one_in(3):
            return nodes.Complete()
        odd = [Path("P", ("x", "y")), Path("L", (0, "n")), Path("L", (1, "m")), Path("P", ("tags", 0))]
        target = self.pick(odd) if self.one_in(10) and not self.flat else Path("P", (self.pick(FIELDS[:6]),))
        if self.one_in(2):
            return nodes.Assign(target, "=", self.literal(str(target.steps[0])))
        return nodes.Assign(target, self.pick(["=", "=", "+=", "-=", "*=", "/="]), self.value(1))  # type: ignore[arg-type]

    def call_out(self) -> nodes.Action:
        """A call into the host, mostly with arguments of the kinds that `EMITTED` declares."""
        name = self.pick(sorted(EMITTED))
        args: list[Expression] = []
        for kind in EMITTED[name]:
            if kind == "text" and not self.one_in(8):
                args.append(nodes.Arithmetic("+", nodes.Literal(self.pick(LITERALS)), self.value(1)))
            elif kind == "number" and not self.one_in(8):
                args.append(Path("P", (self.pick([*NUMERIC, *DERIVED]),)))
            else:
                args.append(self.value(1))
        return nodes.Emit(name, tuple(args))

    def sum(self, feeding: bool) -> nodes.Action:
        """A number written to a number, as rules add up points and prices."""
        if self.one_in(5):
            op = self.pick(["=", "+=", "+=", "-=", "*=", "/="])
            by: Expression = nodes.Literal(self.number()) if op in ("*=", "/=") else self.literal(LENGTH)
            return nodes.Assign(Path("P", (LENGTH,)), op, by)
        target = Path("P", (self.pick([*DERIVED, *DERIVED, *NUMERIC] if feeding else ["out", "out"]),))
        number = Path("P", (self.pick([*NUMERIC, *DERIVED]),)) if self.one_in(2) else nodes.Literal(self.number())
        return nodes.Assign(target, self.pick(["=", "+=", "+=", "-=", "*=", "/="]), number)  # type: ignore[arg-type]

    def whole(self, depth: int) -> Expression:
        """A condition of a rule; only such a one may have a pattern."""
        condition = self.condition(depth)
        if not self.one_in(8):
            return condition
        return nodes.And((condition, self.pattern())) if self.one_in(2) else self.pattern()

    def rule(self, number: int, depth: int, feeding: bool) -> Rule:
        pick = self.pick
        return Rule(
            f"R{number}",
            self.whole(depth),
            tuple(self.action(feeding) for _ in range(self.random.randrange(1, 4))),
            salience=pick([0, 0, 0, 5, -5]),
            no_loop=self.one_in(6),
            lock_on_active=self.one_in(8),
            once=self.one_in(8),
            agenda_group="other" if self.one_in(20) else pick([None, None, "MAIN"]),
            activation_group=pick([None, None, None, None, None, "g", "h"]),
            date_effective=pick(DAYS) if self.one_in(8) else None,
            date_expires=pick(DAYS) if self.one_in(8) else None,
        )
