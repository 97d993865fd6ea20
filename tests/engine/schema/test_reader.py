"""domain.toml: what is taken, and every way in which it is not."""

from decimal import Decimal

import pytest

from engine.errors import SchemaRejected
from engine.language.action_parser import ACTIONS
from engine.language.keywords import RESERVED
from engine.schema import CallSchema, FieldSchema, parse_schema
from engine.schema.calls import TAKEN
from engine.schema.reader import MAX_SCHEMA_CHARACTERS

GOOD = """
subject = "Product"
key = "product_id"
description = "what is sold"
[facts.Product.fields]
product_id = { kind = "text", required = true }
price = { kind = "number", min = 0, max = 1_000.50, description = "per piece" }
size = { kind = "number", values = [1, 2.50] }
brand = { kind = "text", values = ["National", "Private"] }
[facts.Product.fields.flag]
kind = "text"
derived = true
[facts.Line]
list = true
fields = { qty = { kind = "number" } }
"""


def test_a_schema_is_read_whole() -> None:
    schema = parse_schema(b"\xef\xbb\xbf" + GOOD.encode())
    assert (schema.subject, schema.key, schema.description) == ("Product", "product_id", "what is sold")
    assert schema.list_facts == {"Line"}
    fields = schema.facts["Product"].fields
    bounds = (Decimal(0), Decimal("1000.50"))
    assert fields["price"] == FieldSchema("price", "number", False, *bounds, description="per piece")
    assert fields["size"].values == (Decimal(1), Decimal("2.50"))
    assert fields["flag"].derived


def test_its_canonical_form_leaves_out_order_and_descriptions() -> None:
    other = GOOD.replace('description = "what is sold"', "").replace(', description = "per piece"', "")
    lines = other.splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    assert parse_schema(GOOD).canonical() == parse_schema("\n".join(lines)).canonical()
    assert parse_schema(GOOD).canonical() != parse_schema(GOOD.replace("min = 0, ", "")).canonical()


def test_a_default_is_part_of_it_and_0_is_the_one_that_nobody_has_to_write() -> None:
    def canonical(default: str) -> str:
        return parse_schema(with_field(f'x = {{ kind = "number", derived = true{default} }}')).canonical()

    assert canonical("") == canonical(", default = 0") == "subject P key id\nP.id text\nP.x number derived"
    assert canonical(", default = 2.50") == canonical("") + " default 2.5"


def test_the_name_elsewhere_is_part_of_it_trimmed_and_in_one_form() -> None:
    schemas = [
        parse_schema(with_field(f'x = {{ kind = "text", from = "{name}" }}')) for name in ("Größe", " Gro\u0308ße ")
    ]
    assert schemas[0].canonical() == schemas[1].canonical()
    assert schemas[0].canonical().endswith("P.x text from 'Größe'")
    assert schemas[0].canonical() != parse_schema(with_field('x = { kind = "text" }')).canonical()
    # A field may say its own name.
    assert parse_schema(with_field('x = { kind = "text", from = "x" }')).facts["P"].fields["x"].sent_as == "x"


def test_the_calls_are_part_of_it_in_any_order() -> None:
    calls = ['[emit.Alert]\nargs = ["text", "number"]\ndescription = "why"\n', "[emit.Aah]\n"]
    schema, other = (parse_schema(with_field("".join(some))) for some in (calls, calls[::-1]))
    assert schema.calls["Alert"] == CallSchema("Alert", ("text", "number"), "why")
    assert schema.canonical() == other.canonical()
    assert schema.canonical().splitlines()[2:] == ["emit Aah()", "emit Alert(text, number)"]


def test_no_call_is_named_like_what_an_action_may_be_already() -> None:
    assert {*map(str.lower, ACTIONS), *RESERVED} == TAKEN


def with_field(field: str) -> str:
    return f'subject = "P"\nkey = "id"\n[facts.P.fields]\nid = {{ kind = "text" }}\n  {field}'


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a =", ["schema-syntax@1:4"]),
        ("a = 1\nb = [", ["schema-syntax@2:6"]),
        ("a = " + "[" * 100_000, ["schema-syntax@1:1"]),
        ("a = " + "9" * 100_000, ["schema-syntax@1:1"]),
        ("a = 1e999999999999999999999", ["schema-syntax@1:1"]),
        (b"a = 1\n\xff", ["schema-not-utf8@2:1"]),
        ("#" * (MAX_SCHEMA_CHARACTERS + 1), ["schema-too-large@1:1"]),
        ("", ["schema-facts@1:1", "schema-value@1:1", "schema-value@1:1"]),
        ('subject = "P"\nkey = "id"\nfacts = 3', ["schema-facts@1:1"]),
        ('subject = "P"\nkey = "id"\n[facts.P]', ["schema-facts@3:1", "schema-subject@2:1"]),
        ('subject = "Q"\nkey = "id"\n[facts.P.fields]\nid = { kind = "text" }', ["schema-subject@1:1"]),
        ('subject = "P"\nkey = "ie"\n[facts.P.fields]\nid = { kind = "text" }', ["schema-subject@2:1"]),
        ('subject = "P"\nkey = "id"\n[facts.P]\nlist = true\nfields.id.kind = "text"', ["schema-subject@1:1"]),
        ('subject = 3\nkey = "id"\n[facts.P.fields]\nid = { kind = "text" }', ["schema-value@1:1"]),
        ('subjekt = "P"\n' + with_field(""), ["schema-unknown-key@1:1"]),
        (with_field('x = { kind = "numbr" }'), ["schema-kind@5:3"]),
        (with_field("x = { }"), ["schema-kind@5:3"]),
        (with_field("x = 3"), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", mini = 3 }'), ["schema-unknown-key@5:3"]),
        (with_field('x = { kind = "text", min = 3 }'), ["schema-bounds@5:3"]),
        (with_field('x = { kind = "number", min = 3, max = 2 }'), ["schema-bounds@5:3"]),
        (with_field('x = { kind = "number", min = "3" }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", min = nan }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", max = 1234567890123456 }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", max = 1e300 }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", min = -1e-291 }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", required = "yes" }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", required = true, derived = true }'), ["schema-derived@5:3"]),
        (with_field('x = { kind = "text", values = [1] }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", values = ["a"] }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "boolean", values = [true] }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", description = 3 }'), ["schema-value@5:3"]),
        (with_field('"x y" = { kind = "text" }'), ["schema-name@5:3"]),
        (with_field("[emit.A]\nargs = 3"), ["schema-value@6:1"]),
        (with_field('[emit.A]\nargs = ["text", "texts", 3]'), ["schema-kind@6:1", "schema-kind@6:1"]),
        (with_field('[emit.A]\narg = ["text"]\ndescription = 3'), ["schema-unknown-key@6:1", "schema-value@7:1"]),
        (with_field('[emit."a b"]'), ["schema-name@1:1"]),
        (with_field("[emit.Reject]\n[emit.WHEN]"), ["schema-name@5:1", "schema-name@6:1"]),
        (with_field("[emit]\nA = 3"), ["schema-value@6:1"]),
        ("emit = 3\n" + with_field(""), ["schema-value@1:1"]),
        (with_field('x = { kind = "number", default = 1 }'), ["schema-default@5:3"]),
        (with_field('x = { kind = "text", from = 3 }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", from = " " }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", from = "a\\u0000" }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "text", from = "id" }'), ["schema-from@5:3"]),
        (with_field('x = { kind = "text", from = " id " }'), ["schema-from@5:3"]),
        (with_field('x = { kind = "text", derived = true, from = "X" }'), ["schema-from@5:3"]),
        (with_field('x = { kind = "text", from = "A B" }\ny = { kind = "text", from = "A B " }'), ["schema-from@6:1"]),
        (
            with_field('x = { kind = "text", from = "é" }\ny = { kind = "text", from = "e\u0301" }'),
            ["schema-from@6:1"],
        ),
        (with_field('[facts.Q]\nfrom = "P"\nfields.a.kind = "text"'), ["schema-from@6:1"]),
        (
            with_field('[facts.Q]\nfrom = "Z"\nfields.a.kind = "text"\n[lookup.Q]\nby = "P.id"'),
            ["schema-from@6:1"],
        ),
        (
            with_field('[facts.Q]\nfrom = "S"\nfields.a.kind = "text"\n[stream.S]\nkey = "P.id"\nwindow = "1h"'),
            ["schema-from@6:1"],
        ),
        (with_field('x = { kind = "text", derived = true, default = 1 }'), ["schema-default@5:3"]),
        (with_field('x = { kind = "number", derived = true, default = "1" }'), ["schema-value@5:3"]),
        (with_field('x = { kind = "number", derived = true, default = 11, max = 10 }'), ["schema-default@5:3"]),
        (with_field('x = { kind = "number", derived = true, default = 2, values = [1, 3] }'), ["schema-default@5:3"]),
        (with_field("x = 1\ny = 2\nz = { kind = 3 }"), ["schema-value@5:3", "schema-value@6:1", "schema-kind@7:1"]),
    ],
    ids=range(57),
)
def test_what_is_wrong_is_said_with_its_place(text: str | bytes, problems: list[str]) -> None:
    with pytest.raises(SchemaRejected) as caught:
        parse_schema(text)
    found = caught.value.diagnostics
    assert [f"{each.code}@{each.span.line}:{each.span.column}" for each in found if each.span] == problems


def test_a_hint_names_the_nearest() -> None:
    with pytest.raises(SchemaRejected, match="did you mean 'number'"):
        parse_schema(with_field('x = { kind = "numbr" }'))


@pytest.mark.parametrize(
    "name",
    ["localtime", "posixrules", "right/UTC", "posix/Europe/Berlin", "+01:00", "Europe", "../etc/passwd", "UTC+1"],
)
def test_a_zone_is_one_that_every_host_reads_the_same(name: str) -> None:
    with pytest.raises(SchemaRejected, match="there is no time zone"):
        parse_schema(f'timezone = "{name}"\n{GOOD}')
