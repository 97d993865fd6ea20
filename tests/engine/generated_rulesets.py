"""Whole rulesets made up from a seed, of the rules of `generated_rules`: of a few rules, or as a domain has them."""

import random

from engine.language import Expression, Path, Rule, nodes
from tests.engine.generated_rules import Maker
from tests.engine.pools import LITERALS, NUMERIC, ORDER


def rules_from(seed: int, flat: bool = False) -> list[Rule]:
    """One to a dozen rules, now and then many; every other ruleset has rules that do not feed each other."""
    maker = Maker(random.Random(seed), flat)
    if maker.one_in(20):
        return classed(maker)
    depth, feeding = maker.random.randrange(3), maker.one_in(2)
    return [maker.rule(number, depth, feeding) for number in range(maker.random.randrange(1, 13))]


def classed(maker: Maker) -> list[Rule]:
    """Rules as a domain has them: equality on a text, bounds on numbers, now and then a multiple of another field."""
    feeding, rules = maker.one_in(4), []
    for number in range(maker.random.randrange(20, 100)):
        tests: list[Expression] = []
        if maker.random.randrange(8):
            tests.append(nodes.Compare("==", Path("P", ("t",)), nodes.Literal(maker.pick(LITERALS))))
        if maker.one_in(3):
            tests.append(nodes.Membership(Path("P", ("u",)), maker.list_of("u")))
        for field in maker.random.sample(NUMERIC, maker.random.randrange(3)):
            limit = nodes.Literal(maker.number())
            tests.append(nodes.Compare(maker.pick(ORDER), Path("P", (field,)), limit))  # type: ignore[arg-type]
        if maker.one_in(2) or len(tests) < 2:
            tests.append(maker.multiple())
        if maker.one_in(6):
            tests.append(maker.condition(1))
        actions = tuple(maker.action(feeding) for _ in range(maker.random.randrange(1, 3)))
        rules.append(Rule(f"R{number}", nodes.And(tuple(tests)), actions, salience=maker.pick([0, 0, 0, 5])))
    return rules
