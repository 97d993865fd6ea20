"""Which rules have to be gone through again, and what it costs to see it."""

from engine.chains.chain_rule import ChainRule, Write
from engine.chains.loops import loop_of
from engine.compiler import compile_rules
from engine.ruleset import read_sources


def chain_of(grl: str) -> list[ChainRule]:
    compiled = compile_rules(read_sources({"a.grl": grl}, None).rules, None, 100)
    assert compiled.chains is not None
    material = compiled.chains.material
    positions = sorted({entry.position for entry in material.entries})
    of = {one: [entry for entry in material.entries if entry.position == one] for one in positions}
    return [ChainRule(position, entries, material) for position, entries in of.items()]


def names_in_loop(grl: str) -> list[str]:
    rules = chain_of(grl)
    return [rules[place].rule.name for place in loop_of(rules)]


def test_rules_that_lead_on_make_no_loop() -> None:
    assert names_in_loop("rule A { when P.n > 1 then P.m = P.n; } rule B { when P.m > 1 then P.k = P.m; }") == []


def test_a_rule_that_writes_what_an_earlier_one_reads_leads_back_over_all_between() -> None:
    rules = """
        rule Before { when P.x > 1 then P.y = 1; }
        rule A { when P.m > 1 then P.out = 1; }
        rule Between { when P.x > 2 then P.out = 2; }
        rule B { when P.n > 1 then P.m = P.n; }
        rule After { when P.m > 3 then P.out = 3; }
    """
    assert names_in_loop(rules) == ["A", "Between", "B"]


def test_a_rule_that_writes_what_it_reads_leads_back_to_itself_unless_it_says_otherwise() -> None:
    assert names_in_loop("rule A { when P.n > 1 then P.n -= 1; }") == ["A"]
    assert names_in_loop("rule A no-loop { when P.n > 1 then P.n -= 1; }") == []
    assert names_in_loop("rule A lock-on-active { when P.n > 1 then P.n -= 1; }") == []


def test_a_constant_that_the_reader_excludes_leads_nowhere() -> None:
    assert names_in_loop('rule A { when P.n > 1 && P.flag == null then P.flag = "seen"; }') == []
    assert names_in_loop('rule A { when P.n > 1 && P.flag != "seen" then P.flag = "seen"; }') == []
    assert names_in_loop('rule A { when P.n > 1 && P.flag != "seen" then P.flag = "other"; }') == ["A"]
    # Of two alternatives both have to exclude it.
    assert names_in_loop('rule A { when P.flag == null || P.n > 1 then P.flag = "seen"; }') == ["A"]
    assert names_in_loop("rule A { when P.f == false && P.n > 1 then P.f = true; }") == []
    assert names_in_loop("rule A { when P.n == 0 then P.n = false; }") == []


class Counted(ChainRule):
    """A rule that counts how often it is looked at."""

    __slots__ = ()
    looks = 0

    def is_excluded_by(self, write: Write) -> bool:
        Counted.looks += 1
        return super().is_excluded_by(write)


def test_looking_for_loops_takes_time_in_proportion_to_the_rules() -> None:
    rule = chain_of('rule A { when P.n > 1 && P.flag == null then P.flag = "seen"; }')[0]
    many = []
    for number in range(2_000):
        each = Counted.__new__(Counted)
        for name in ChainRule.__slots__:
            setattr(each, name, getattr(rule, name))
        each.writes = (Write(rule.writes[0].slot, True, f"seen {number}"),)
        many.append(each)
    # Each of two thousand constants is excluded by all two thousand conditions: four million looks would say so.
    loop_of(many)
    assert Counted.looks < 60_000
