"""What a domain declares of the facts that it shares: whatever is wrong with it is said with its place."""

import pytest

from engine import SchemaRejected, parse_schema

LOOKUP_HEAD = """subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
paid = { kind = "boolean" }
risk = { kind = "text", derived = true }
[facts.Line]
list = true
fields.sku.kind = "text"
[facts.Customer.fields]
id = { kind = "text" }
[facts.Store.fields]
id = { kind = "text" }
"""


@pytest.mark.parametrize(
    ("tables", "problems"),
    [
        ("[lookup]\nCustomer = 3", ["schema-value@14"]),
        ('[lookup.Custmer]\nby = "Order.id"', ["schema-lookup@14"]),
        ('[lookup.Order]\nby = "Customer.id"', ["schema-lookup@14"]),
        ('[lookup.Line]\nby = "Order.id"', ["schema-lookup@14"]),
        ("[lookup.Customer]", ["schema-value@14"]),
        ("[lookup.Customer]\nby = 3", ["schema-value@15"]),
        ('[lookup.Customer]\nby = "Order"', ["schema-value@15"]),
        ('[lookup.Customer]\nby = "Ordr.id"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Order.idd"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Order.paid"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Order.risk"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Line.sku"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Store.id"\n[lookup.Store]\nby = "Order.id"', ["schema-lookup@15"]),
        ('[lookup.Customer]\nby = "Order.id"\nrequired = "yes"', ["schema-value@16"]),
        ('[lookup.Customer]\nbi = "Order.id"', ["schema-unknown-key@15", "schema-value@14"]),
        ('[lookup.Customer]\nby = "Order.id"\ndescription = 3', ["schema-value@16"]),
    ],
    ids=range(16),
)
def test_what_is_wrong_with_a_lookup_is_said_with_its_place(tables: str, problems: list[str]) -> None:
    with pytest.raises(SchemaRejected) as caught:
        parse_schema(LOOKUP_HEAD + tables)
    assert [f"{each.code}@{each.span.line}" for each in caught.value.diagnostics if each.span] == problems


STREAM_HEAD = """subject = "Payment"
key = "id"
[facts.Payment.fields]
id = { kind = "text" }
[facts.Customer.fields]
id = { kind = "text" }
[lookup.Customer]
by = "Payment.id"
"""


@pytest.mark.parametrize(
    ("tables", "problems"),
    [
        ("[stream]\npayments = 3", ["schema-value@9"]),
        ('[stream.Payment]\nkey = "Payment.id"\nwindow = "1m"', ["schema-stream@9"]),
        ('[stream."a b"]\nkey = "Payment.id"\nwindow = "1m"', ["schema-name@1"]),
        ('[stream.payments]\nwindow = "1m"', ["schema-value@9"]),
        ('[stream.payments]\nkey = "Customer.id"\nwindow = "1m"', ["schema-stream@10"]),
        ('[stream.payments]\nkey = "Payment.card"\nwindow = "1m"', ["schema-stream@10"]),
        ('[stream.payments]\nkey = "Payment.id"', ["schema-value@9"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = 10', ["schema-value@11"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "10 weeks"', ["schema-value@11"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "32d"', ["schema-value@11"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\nlate = "0s"', ["schema-value@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\nmax_events = 0', ["schema-value@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\nmax_events = true', ["schema-value@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\nmax_event = 5', ["schema-unknown-key@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\ntime = "Payment.at"', ["schema-stream@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\ntime = "Payment.id"', ["schema-stream@12"]),
        ('[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\ntime = "at"', ["schema-value@12"]),
        (
            '[facts.Order.fields]\nat = { kind = "date" }\n'
            '[stream.payments]\nkey = "Payment.id"\nwindow = "1d"\ntime = "Order.at"',
            ["schema-stream@14"],
        ),
    ],
    ids=range(18),
)
def test_what_is_wrong_with_a_stream_is_said_with_its_place(tables: str, problems: list[str]) -> None:
    with pytest.raises(SchemaRejected) as caught:
        parse_schema(STREAM_HEAD + tables)
    assert [f"{each.code}@{each.span.line}" for each in caught.value.diagnostics if each.span] == problems
