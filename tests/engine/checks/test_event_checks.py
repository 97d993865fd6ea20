"""What the schema says of streams, held against the bindings of a rule: whole sentences, and the hints."""

import pytest

from engine.errors import RulesetRejected
from engine.ruleset import read_sources
from engine.schema import parse_schema

SCHEMA = parse_schema("""subject = "Payment"
key = "id"
[facts.Payment.fields]
id = { kind = "text" }
card = { kind = "text" }
amount = { kind = "number" }
[stream.payments]
key = "Payment.card"
window = "1h"
max_events = 1000
""")
A = 'a: Payment from stream("payments") over window(1 h, sliding)'


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        (
            f"{A} && a.amuont > 5",
            "an event of payments has no field 'amuont'",
            "did you mean 'amount'?",
        ),
        (
            f"{A} && a.amount.cents > 5",
            "Payment.amount is a number, and has no members",
            "",
        ),
        (
            A.replace('"payments"', '"payment"'),
            "there is no stream 'payment'",
            "did you mean 'payments'?",
        ),
        (
            A.replace("a: Payment", "a: Order"),
            "the events of 'payments' are of Payment, not of 'Order'",
            "write a: Payment from …",
        ),
        (
            A.replace("1 h", "2 h"),
            "this window is 7200 s long, and that of 'payments' is 3600 s",
            "a longer one is declared in domain.toml, where the stream is",
        ),
        (
            A.replace("1 h", "10 min"),
            "a window shorter than the 3600 s of 'payments' needs to know when events happened",
            'name a date of Payment in domain.toml: [stream.payments] time = "Payment.at"',
        ),
        (
            " && ".join(A.replace("a:", f"{name}:") for name in "abc"),
            "3 of 1,000 events make 1,000,000,000 choices to look at",
            "bind fewer events, or give the stream max_events = 215",
        ),
    ],
    ids=["field", "member", "stream", "fact", "longer window", "shorter window", "choices"],
)
def test_what_a_stream_does_not_have_is_refused(condition: str, message: str, hint: str) -> None:
    with pytest.raises(RulesetRejected) as caught:
        read_sources({"r.grl": f"rule R {{ when {condition} then Accept(); }}"}, SCHEMA)
    assert [(found.message, found.hint) for found in caught.value.diagnostics] == [(message, hint)]


def test_actions_know_no_event() -> None:
    with pytest.raises(RulesetRejected) as caught:
        read_sources({"r.grl": f"rule R {{ when {A} then Payment.amount = a.amount; }}"}, SCHEMA)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "pattern-name",
        "'a' is an event of the condition, unknown to actions",
    )
