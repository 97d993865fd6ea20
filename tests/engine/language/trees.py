"""Trees of nodes, and texts that look like rules, for the properties."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path as File

from hypothesis import strategies as st

from engine.language import Action, Expression, Path, Rule, nodes
from engine.language.keywords import AGGREGATES, QUANTIFIERS, RESERVED, TEXT_TESTS
from engine.values import normal_text

#: The fact that quantifiers and aggregates of generated trees are about.
LIST_FACT = "Line"
#: Calls that actions may make.
CALLS = ["SendAlert", "Ping"]

_TAKEN = RESERVED | set(QUANTIFIERS) | set(AGGREGATES) | set(TEXT_TESTS) | {"date", "and", "or", "not", "line"}
_TAKEN |= {"within", "accumulate", "test", "eval", "is", "equals", "mod", "like"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
free_names = names.filter(lambda name: name.lower() not in _TAKEN)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(normal_text)
numbers = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent).normalize() if digits else Decimal(0),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(-270, 280),
)
#: Dates as they are written: with an offset, without one, without a time.
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, None])) | st.dates()
literals = st.builds(nodes.Literal, st.none() | st.booleans() | texts | numbers | moments)
steps = st.one_of(names, texts, st.integers(0, 9_999))
keys = st.builds(nodes.Literal, names | texts | st.integers(0, 9_999).map(Decimal))
paths = st.builds(Path, free_names, st.lists(steps, max_size=3).map(tuple))
#: A word of the language is a fact where a member or a place of it follows.
paths |= st.builds(Path, st.sampled_from(sorted(_TAKEN - {"line"})), st.lists(steps, min_size=1, max_size=3).map(tuple))
elements = st.builds(Path, st.just(LIST_FACT), st.lists(names, min_size=1, max_size=2).map(tuple))


def _grown(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(nodes.And, several),
        st.builds(nodes.Or, several),
        st.builds(nodes.Not, children),
        st.builds(nodes.Negate, children),
        st.builds(nodes.Compare, orders, children, children),
        st.builds(nodes.Arithmetic, st.sampled_from("+-*/%"), children, children),
        st.builds(nodes.Membership, children, children),
        st.builds(nodes.TextTest, st.sampled_from(list(TEXT_TESTS.values())), children, children),
        st.builds(nodes.Call, free_names, st.lists(children, max_size=3).map(tuple)),
        st.builds(nodes.ListLiteral, st.lists(children, max_size=3).map(tuple)),
        st.builds(nodes.Item, paths, children.filter(lambda node: not isinstance(node, nodes.Literal))),
        st.builds(nodes.Item, _wholes(children), keys),
    )


def _wholes(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """What has members, and is no path: a constant step after a path is a part of the path."""
    several = st.lists(children, max_size=2).map(tuple)
    wholes = st.builds(nodes.Call, free_names, several) | st.builds(nodes.ListLiteral, several)
    return wholes | st.builds(nodes.Item, wholes, keys)


_grown_elements = st.recursive(elements, _grown, max_leaves=4)
# A call without arguments names no list, so each body begins with an element of it.
_inner = st.builds(lambda element, grown: nodes.And((element, grown)), elements, _grown_elements) | elements
_over_lists = st.one_of(
    st.builds(nodes.Quantifier, st.sampled_from(["exists", "forall"]), st.just(LIST_FACT), _inner),
    st.builds(nodes.Aggregate, st.sampled_from(list(AGGREGATES.values())), st.just(LIST_FACT), _inner),
    st.builds(nodes.Quantifier, st.just("exists"), st.just(LIST_FACT), st.just(nodes.Literal(True))),
    st.builds(nodes.Aggregate, st.just("Count"), st.just(LIST_FACT), st.just(nodes.Literal(True))),
)
expressions: st.SearchStrategy[Expression] = st.recursive(literals | paths | _over_lists, _grown, max_leaves=12)
#: Longer than any name of a fact.
_FIRST, _SECOND, _ABSENT = "payment_1", "payment_2", "payment_3"


def _bound(name: str) -> st.SearchStrategy[Expression]:
    return st.builds(nodes.Bound, st.just(name), st.just("events"), st.tuples(names) | st.tuples(names, steps))


def _about(name: str) -> st.SearchStrategy[Expression]:
    several = st.tuples(_bound(name), expressions) | st.tuples(_bound(name), _bound(_FIRST))
    return st.one_of(
        several.map(nodes.And),
        several.map(nodes.Or),
        st.builds(nodes.Not, _bound(name)),
        st.builds(nodes.Compare, st.sampled_from(["==", "<"]), _bound(_FIRST) | literals, _bound(name)),
        st.builds(
            nodes.Quantifier, st.just("exists"), st.just(LIST_FACT), st.tuples(elements, _bound(name)).map(nodes.And)
        ),
    )


def _binding(name: str) -> st.SearchStrategy[nodes.Binding]:
    spans = st.integers(1, 31 * 86_400) | st.sampled_from([60, 600, 3_600, 86_400])
    return st.builds(nodes.Binding, st.just(name), free_names, st.just("events"), spans, st.just(name == _ABSENT))


_patterns = st.builds(
    nodes.Pattern,
    st.tuples(_binding(_FIRST), _binding(_SECOND))
    | st.permutations(list(map(_binding, [_FIRST, _ABSENT]))).flatmap(lambda both: st.tuples(*both)),
    st.lists(_about(_FIRST), max_size=3).map(tuple),
)
conditions = st.one_of(
    expressions,
    _patterns,
    st.builds(
        lambda before, pattern: nodes.And((*before, pattern)), st.lists(expressions, min_size=1, max_size=2), _patterns
    ),
)
_targets = st.builds(Path, names, st.lists(steps, min_size=1, max_size=3).map(tuple))
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(nodes.Assign, _targets, st.sampled_from(["=", "+=", "-=", "*=", "/="]), expressions),
    st.builds(nodes.Decide, st.sampled_from(["accept", "review", "reject"]), expressions | st.just(nodes.Literal(""))),
    st.builds(nodes.Log, expressions),
    st.builds(nodes.Retract, texts),
    st.builds(nodes.Complete),
    st.builds(nodes.Emit, st.sampled_from(CALLS), st.lists(expressions, max_size=3).map(tuple)),
)
rules = st.builds(
    Rule,
    name=texts.filter(str.strip),
    condition=conditions,
    actions=st.lists(actions, min_size=1, max_size=3).map(tuple),
    description=texts,
    salience=st.integers(-(10**9), 10**9),
    no_loop=st.booleans(),
    lock_on_active=st.booleans(),
    agenda_group=st.none() | texts,
    activation_group=st.none() | texts,
    date_effective=st.none() | st.datetimes(max_value=datetime(2000, 1, 1), timezones=st.just(UTC)),
    date_expires=st.none() | st.datetimes(min_value=datetime(2001, 1, 1), timezones=st.just(UTC)),
)

_PIECES = tomllib.loads((File(__file__).parents[1] / "cases" / "pieces.toml").read_text("utf-8"))
_words = st.lists(st.sampled_from(_PIECES["rules"]), max_size=40).map(" ".join)
#: What a hurried person or a broken program could hand over as rules.
rule_like = st.one_of(_words, _words.map(lambda words: f'rule r {{ when {words} then Accept("x"); }}'))

_lines = st.lists(st.sampled_from(_PIECES["cells"]), max_size=6).map(",".join)
_headers = st.builds(
    lambda policy, field, output: f"{policy}when Order.{field},then {output}",
    st.sampled_from(["", "F,", "A,", "P,", "C+,"]),
    st.sampled_from(["total", "tags"]),
    st.sampled_from(["Review", "Order.band"]),
)
_tables = st.lists(_lines, max_size=8)
#: The same for a table.
table_like = st.builds(lambda header, lines: "\n".join([header, *lines]), _headers | _lines, _tables)
