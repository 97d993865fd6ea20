"""Whole rulesets made up from a seed, of the rules of `generated_rules`: of a few rules, or as a domain has them."""

import random
from decimal import Decimal

from engine.language import Expression, Path, Rule, nodes
from tests.engine.generated_rules import Maker
from tests.engine.pools import DERIVED, LENGTH, LINE_FIELDS, LITERALS, NUMERIC, ORDER, TEXT_OPS

#: What chained rules read and write, in the order in which those that only lead on do.
CHAINED = [*NUMERIC, "t", *DERIVED, "f", "u", LENGTH]


def rules_from(seed: int, flat: bool = False) -> list[Rule]:
    """One to a dozen rules, now and then many; every other ruleset has rules that do not feed each other, and every
    fourth has nothing but rules that do.
    """
    maker = Maker(random.Random(seed), flat)
    if maker.one_in(20):
        return classed(maker)
    if maker.one_in(4):
        return Chain(maker).rules()
    if maker.one_in(4):
        return about_lists(maker)
    depth, feeding = maker.random.randrange(3), maker.one_in(2)
    return [maker.rule(number, depth, feeding) for number in range(maker.random.randrange(1, 13))]


def about_lists(maker: Maker, plain: bool = False) -> list[Rule]:
    """Rules as a domain of orders has them: most ask for something of the lines, and few of them write any.

    Plain ones read fields alone, and of a line those that have a place in columns.
    """
    lists, feeding = Lists(maker, plain), maker.one_in(3)
    rules = []
    for number in range(maker.random.randrange(3, 24)):
        tests = [lists.test() for _ in range(maker.pick([1, 1, 1, 2, 3]))]
        if maker.one_in(3):
            tests.append(lists.about_product() if plain else maker.simple())
        condition = tests[0] if len(tests) == 1 else nodes.And(tuple(tests))
        said = lists.value() if maker.one_in(6) else maker.literal()
        actions: list[nodes.Action] = [nodes.Decide(maker.pick(["accept", "review", "reject"]), said)]  # type: ignore[arg-type]
        if maker.one_in(3):
            actions.append(nodes.Assign(Path("P", (maker.pick(["out", "p", "n"]),)), "=", lists.value()))
        if maker.one_in(5) and not plain:
            actions.append(maker.action(feeding))
        rules.append(Rule(f"R{number}", condition, tuple(actions), salience=maker.pick([0, 0, 0, 5])))
    return rules


class Lists:
    """Makes conditions about all lines; now and then one that came before, for rules have many in common."""

    def __init__(self, maker: Maker, plain: bool) -> None:
        self.maker = maker
        self.plain = plain
        self.fields = ["n", "n", "m", "t", "f", "at", "took"] if plain else LINE_FIELDS
        self.made: list[Expression] = []

    def about_product(self) -> Expression:
        field = self.maker.pick(["n", "m", "t", "p", "out"])
        return nodes.Compare(self.maker.pick(ORDER), Path("P", (field,)), self.maker.literal(field))  # type: ignore[arg-type]

    def test(self) -> Expression:
        maker = self.maker
        match maker.random.randrange(10):
            case 0 | 1 | 2 | 3:
                made: Expression = nodes.Quantifier("exists", "L", self.of_each())
            case 4 | 5:
                made = nodes.Quantifier("forall", "L", self.of_each())
            case 6:
                # A multiple of a count against a multiple of a field.
                left, right = self.value(), Path("P", (maker.pick(NUMERIC),))
                made = nodes.Compare(
                    maker.pick(ORDER),  # type: ignore[arg-type]
                    nodes.Arithmetic("*", left, nodes.Literal(maker.number())) if maker.one_in(2) else left,
                    nodes.Arithmetic("*", right, nodes.Literal(maker.number())) if maker.one_in(2) else right,
                )
            case 7:
                made = nodes.Compare(maker.pick(ORDER), self.value(), self.value())  # type: ignore[arg-type]
            case _:
                made = nodes.Compare(maker.pick(ORDER), self.value(), maker.literal("n"))  # type: ignore[arg-type]
        return nodes.Not(made) if maker.one_in(6) else made

    def value(self) -> Expression:
        """One number, or the least or greatest value, over all lines."""
        maker = self.maker
        if maker.one_in(3):
            return nodes.Aggregate("Count", "L", self.condition())
        kind = maker.pick(["Sum", "Sum", "Min", "Max", "Avg", "CountDistinct"])
        operand: Expression = Path("L", (maker.pick(self.fields[:3] if self.plain else self.fields),))
        if maker.one_in(4):
            maker.within = True
            operand = nodes.Arithmetic("*", operand, Path("L", ("m",))) if self.plain else maker.value(1)
            maker.within = False
        return nodes.Aggregate(kind, "L", operand)  # type: ignore[arg-type]

    def condition(self) -> Expression:
        maker = self.maker
        if self.made and maker.one_in(3):
            return maker.pick(self.made)
        tests = [self.about_element() for _ in range(maker.pick([1, 1, 2, 2, 3]))]
        made = tests[0]
        if len(tests) > 1:
            made = nodes.Or(tuple(tests)) if maker.one_in(3) else nodes.And(tuple(tests))
        made = nodes.Not(made) if maker.one_in(8) else nodes.Literal(True) if maker.one_in(20) else made
        self.made.append(made)
        return made

    def about_element(self) -> Expression:
        """Mostly a field of the element against a literal; else against a multiple of another, or anything."""
        maker = self.maker
        field = maker.pick(self.fields)
        path = Path("L", (field,))
        match maker.random.randrange(10):
            case 0 | 1:
                over, under = Path("L", ("n",)), Path("L", ("m",))
                right: Expression = under
                if not maker.one_in(4):
                    right = nodes.Arithmetic(maker.pick("**+-"), under, nodes.Literal(maker.number()))  # type: ignore[arg-type]
                return nodes.Compare(maker.pick(ORDER), over, right)  # type: ignore[arg-type]
            case 2 if not self.plain:
                maker.within = True
                made = maker.condition(1)
                maker.within = False
                return made
            case 3:
                return nodes.Membership(path, maker.list_of(field))
            case 4:
                return nodes.Compare(maker.pick(["==", "!="]), path, nodes.Literal(None))  # type: ignore[arg-type]
            case 5:
                part = nodes.Literal(maker.pick(LITERALS))
                return nodes.TextTest(maker.pick(TEXT_OPS), Path("L", ("t",)), part)  # type: ignore[arg-type]
        return nodes.Compare(maker.pick(ORDER), path, maker.literal(field))  # type: ignore[arg-type]

    def of_each(self) -> Expression:
        """What a quantifier asks for: now and then something that is computed from the product."""
        maker = self.maker
        if not maker.one_in(3):
            return self.condition()
        made = self.against_product()
        return nodes.Not(made) if maker.one_in(4) else made

    def against_product(self) -> Expression:
        """A field of the element against something that is computed from the product."""
        maker = self.maker
        ops, fields = (["<", "<=", ">", ">="], ["n", "m"]) if self.plain else (ORDER, ["n", "n", "m", "t"])
        other: Expression = Path("P", (maker.pick([*NUMERIC, *NUMERIC, "t", "out"]),))
        if maker.one_in(2):
            other = nodes.Arithmetic(maker.pick("++-*"), other, nodes.Literal(maker.number()))  # type: ignore[arg-type]
        sides: list[Expression] = [Path("L", (maker.pick(fields),))]
        sides.insert(maker.random.randrange(2), other)
        return nodes.Compare(maker.pick(ops), *sides)  # type: ignore[arg-type]


def classed(maker: Maker) -> list[Rule]:
    """Rules as a domain has them: equality on a text, bounds on numbers, now and then a multiple of another field."""
    feeding, rules = maker.one_in(4), []
    # Many compare the same sum, each with a constant of its own.
    pair = maker.random.sample(NUMERIC, 2) if maker.one_in(2) else []
    for number in range(maker.random.randrange(20, 100)):
        tests: list[Expression] = []
        if maker.random.randrange(8):
            tests.append(nodes.Compare("==", Path("P", ("t",)), nodes.Literal(maker.pick(LITERALS))))
        if maker.one_in(3):
            tests.append(nodes.Membership(Path("P", ("u",)), maker.list_of("u")))
        for field in maker.random.sample(NUMERIC, maker.random.randrange(3)):
            limit = nodes.Literal(maker.number())
            tests.append(nodes.Compare(maker.pick(ORDER), Path("P", (field,)), limit))  # type: ignore[arg-type]
        if pair and maker.one_in(2):
            tests.append(summed(maker, pair))
        elif maker.one_in(2) or len(tests) < 2:
            tests.append(maker.multiple())
        if maker.one_in(6):
            tests.append(maker.condition(1))
        actions = tuple(maker.action(feeding) for _ in range(maker.random.randrange(1, 3)))
        rules.append(Rule(f"R{number}", nodes.And(tuple(tests)), actions, salience=maker.pick([0, 0, 0, 5])))
    return rules


def summed(maker: Maker, pair: list[str]) -> Expression:
    """The sum of two fields, or their difference, against a constant, in the forms that people write."""
    one, other, constant = Path("P", (pair[0],)), Path("P", (pair[1],)), nodes.Literal(maker.number())
    forms: list[tuple[Expression, Expression]] = [
        (nodes.Arithmetic("+", one, other), constant),
        (nodes.Arithmetic("-", one, other), constant),
        (one, nodes.Arithmetic("+", other, constant)),
        (nodes.Arithmetic("-", constant, one), other),
        (nodes.Arithmetic("-", one, constant), nodes.Negate(other)),
    ]
    left, right = maker.pick(forms[:3]) if maker.random.randrange(4) else maker.pick(forms)
    made = nodes.Compare(maker.pick(ORDER), left, right)  # type: ignore[arg-type]
    return nodes.Not(made) if maker.one_in(6) else made


class Chain:
    """Rules that set what other rules read, in small steps, with all that says which of them may still fire."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        #: Whether each rule writes only what later ones read, but for a slip now and then.
        self.leads_on = maker.one_in(2)
        #: Whether most rules are about one value of one field, as those of a class are.
        self.classed = maker.one_in(4)
        self.fields = [name for name in CHAINED if name != "t" or not self.classed]
        self.count = maker.random.randrange(12, 40) if self.classed else maker.random.randrange(2, 12)

    def rules(self) -> list[Rule]:
        made = [self.rule(number) for number in range(self.count)]
        self.maker.random.shuffle(made)
        return made

    def rule(self, number: int) -> Rule:
        maker, pick = self.maker, self.maker.pick
        place = maker.random.randrange(1, len(self.fields))
        tests = [self.test(place) for _ in range(maker.random.randrange(1, 3))]
        if maker.one_in(4):
            tests = [nodes.Or((self.test(place), nodes.And((self.test(place), *tests))))]
        if self.classed and maker.random.randrange(8):
            tests.append(nodes.Compare("==", Path("P", ("t",)), nodes.Literal(pick(LITERALS[:4]))))
        return Rule(
            f"R{number}",
            nodes.And(tuple(tests)) if len(tests) > 1 else tests[0],
            tuple(self.action(place) for _ in range(pick([1, 1, 1, 2, 3]))),
            salience=-place if self.leads_on else pick([0, 0, 5]),
            no_loop=maker.one_in(4),
            lock_on_active=maker.one_in(20),
            once=maker.one_in(12),
            agenda_group=pick(["other", "MAIN"]) if maker.one_in(12) else None,
            activation_group=pick(["g", "h"]) if maker.one_in(6) else None,
        )

    def test(self, place: int) -> Expression:
        """A test of something that rules before it write."""
        maker, name = self.maker, self.maker.pick(self.fields[:place])
        path, op = Path("P", (name,)), maker.pick(ORDER)
        match maker.random.randrange(9):
            case 0:
                return nodes.Compare(maker.pick(["==", "!="]), path, nodes.Literal(None))  # type: ignore[arg-type]
            case 1:
                return maker.multiple()
            case 2:
                return nodes.Compare(op, path, Path("P", (maker.pick(self.fields[:place]),)))  # type: ignore[arg-type]
            case 3:
                return nodes.Membership(path, maker.list_of(name))
            case 4:
                return nodes.Not(nodes.Compare(op, path, maker.literal(name)))  # type: ignore[arg-type]
            case 5:
                return maker.condition(1)
        return nodes.Compare(op, path, maker.literal(name))  # type: ignore[arg-type]

    def action(self, place: int) -> nodes.Action:
        maker, pick = self.maker, self.maker.pick
        fields = self.fields[place:] if self.leads_on and not maker.one_in(12) else self.fields
        name = pick(fields)
        target = Path("P", (name,))
        match maker.random.randrange(14):
            case 0:
                return nodes.Decide(pick(["accept", "review", "reject"]), maker.literal())
            case 1:
                return maker.call_out() if maker.one_in(2) else nodes.Log(maker.value(1))
            case 2:
                return nodes.Complete() if maker.one_in(4) else nodes.Retract(f"R{maker.random.randrange(self.count)}")
            case 3:
                return nodes.Assign(target, pick(["+=", "-=", "*=", "/="]), self.number(1))
            case 4:
                return maker.action(True)
            case 5:
                return nodes.Assign(target, "=", Path("P", (pick(CHAINED),)))
            case 6 | 7 | 8:
                numbers = [name for name in fields if name in (*NUMERIC, *DERIVED)] or DERIVED
                return nodes.Assign(Path("P", (pick(numbers),)), "=", self.number(2))
        return nodes.Assign(target, "=", maker.literal(name))

    def number(self, depth: int) -> Expression:
        """A number that is computed from numbers, some of which are missing."""
        maker = self.maker
        if depth == 0 or maker.one_in(5):
            field = Path("P", (maker.pick([*NUMERIC, *DERIVED]),))
            return field if maker.random.randrange(3) else nodes.Literal(Decimal(maker.number()))
        if maker.one_in(8):
            return nodes.Negate(self.number(depth - 1))
        return nodes.Arithmetic(maker.pick("++--**/%"), self.number(depth - 1), self.number(depth - 1))  # type: ignore[arg-type]
