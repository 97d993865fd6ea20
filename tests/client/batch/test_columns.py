"""Columns that are no field, and fields that are no column, are told apart from those that match."""

from collections.abc import Collection
from typing import Any

import pytest

from rulefarm.batch.columns import ColumnMismatch, compare_columns, own_columns, subject_names

PUBLISHED: dict[str, Any] = {
    "subject": "Product",
    "facts": {
        "Product": {"fields": ["sku", "price", "cost", "name", "attrs"], "read": ["sku", "price", "cost"]},
        "Line": {"fields": ["qty", "price"], "read": ["qty"]},
    },
}
CASES: list[tuple[str, list[str], dict[str, str], list[str]]] = [
    ("all match", ["sku", "price", "cost"], {}, []),
    ("a field that nobody reads may lack", ["sku", "price", "cost", "name"], {}, []),
    ("misspelt", ["sku", "prise", "cost"], {"prise": "price"}, ["Product.price"]),
    ("in another case", ["sku", "Price", "COST"], {"Price": "price", "COST": ""}, ["Product.price", "Product.cost"]),
    ("something else", ["sku", "price", "cost", "colour"], {"colour": ""}, []),
    ("a dot in a name", ["sku", "price", "cost", "a.b"], {"a.b": ""}, []),
    ("objects in a field", ["sku", "price", "cost", "attrs", "attrs.size"], {}, []),
    ("objects in a column that is no field", ["sku", "price", "cost", "x", "x.y"], {"x": ""}, []),
    (
        "whole facts",
        ["Product", "Product.sku", "Product.prise", "Product.cost", "Line", "Line.qty"],
        {"Product.prise": "price"},
        ["Product.price"],
    ),
    (
        "a list of whole facts",
        ["Product", "Product.sku", "Product.price", "Product.cost", "Line", "Line.quantity"],
        {"Line.quantity": ""},
        ["Line.qty"],
    ),
    ("a table of whole facts", ["Product", "Line"], {}, []),
]


def compared(columns: Collection[str], published: dict[str, Any] = PUBLISHED) -> ColumnMismatch:
    return compare_columns(own_columns(columns, published), published)


@pytest.mark.parametrize(
    ("columns", "unmatched", "missing"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_columns_and_fields_do_not_share_is_named(
    columns: list[str], unmatched: dict[str, str], missing: list[str]
) -> None:
    mismatch = compare_columns(own_columns(columns, PUBLISHED), PUBLISHED)
    assert (dict(mismatch.unmatched), list(mismatch.missing)) == (unmatched, missing)
    assert bool(mismatch) == bool(mismatch.sentences()) == bool(unmatched or missing)


def test_it_is_said_in_sentences() -> None:
    assert compared(["sku", "prise", "cost", "colour"]).sentences() == [
        "columns that are no field: prise (did you mean price?), colour",
        "fields that rules read, and the source has not: Product.price",
    ]
    many = compared([*(f"c{n}" for n in range(30)), "sku", "price", "cost"])
    assert many.sentences()[0].endswith("c19 and 10 more")


def test_only_what_is_new_counts_against_columns_that_were_in_order() -> None:
    before = ["sku", "price", "cost", "colour"]

    def new(*columns: str, is_json: bool = False) -> tuple[list[str], list[str]]:
        mismatch = compared(columns).since(own_columns(before, PUBLISHED), is_json=is_json)
        return list(mismatch.unmatched), list(mismatch.missing)

    assert new("sku", "price", "cost") == ([], [])
    assert new("sku", "price", "cost", "colour", "name") == ([], [])
    assert new("sku", "price", "cost", "size") == (["size"], [])
    assert new("sku", "prise", "cost", "colour") == (["prise"], ["Product.price"])
    # A line of JSON leaves null out: that nobody has a price tonight may be so.
    assert new("sku", "cost", is_json=True) == ([], [])


NAMED = {
    "subject": "Loan",
    "facts": {
        "Loan": {
            "fields": ["id", "score", "size", "note"],
            "read": ["id", "score", "size"],
            "sent_as": {"id": "Kunde Nr.", "score": "Credit Score", "size": "Größe"},
        },
        "Debt": {"fields": ["amount"], "read": ["amount"], "sent_as": {"amount": "Betrag €"}},
    },
    "sent_as": {"Loan": "Antrag, neu", "Debt": "Open.debts"},
}
ELSEWHERE: list[tuple[list[str], dict[str, str], list[str]]] = [
    (["Kunde Nr.", "Credit Score", "Größe"], {}, []),
    (["id", "Credit Score", "Gro\u0308ße", "note"], {}, []),
    (["Kunde Nr.", "Credit score", "size"], {"Credit score": "Credit Score"}, ["Loan.score"]),
    (["Kunde Nr.", "score", "Grösse"], {"Grösse": "Größe"}, ["Loan.size"]),
    (
        ["Antrag, neu", "Antrag, neu.Kunde Nr.", "Antrag, neu.score", "Antrag, neu.Große", "Debt", "Debt.Betrag €"],
        {"Antrag, neu.Große": "Größe"},
        ["Loan.size"],
    ),
    (
        ["Loan", "Loan.id", "Loan.score", "Loan.Gro\u0308ße", "Open.debts", "Open.debts.Betrag €", "Open.debts.kind"],
        {"Open.debts.kind": ""},
        [],
    ),
    (
        ["Antrag, neu", "Antrag, neu.id", "Open.debts", "Open.debts.amounts"],
        {"Open.debts.amounts": "amount"},
        ["Debt.amount", "Loan.score", "Loan.size"],
    ),
]


@pytest.mark.parametrize(("columns", "unmatched", "missing"), ELSEWHERE)
def test_the_names_of_another_system_match_too(
    columns: list[str], unmatched: dict[str, str], missing: list[str]
) -> None:
    mismatch = compared(columns, NAMED)
    assert (dict(mismatch.unmatched), list(mismatch.missing)) == (unmatched, missing)


def test_a_column_that_comes_by_its_other_name_tonight_is_there() -> None:
    before = own_columns(["Kunde Nr.", "Credit Score", "Größe"], NAMED)
    assert not compared(["id", "score", "size"], NAMED).since(before, is_json=False)
    assert list(compared(["id", "score"], NAMED).since(before, is_json=False).missing) == ["Loan.size"]


def test_the_subject_is_looked_for_by_either_name() -> None:
    assert subject_names("id", NAMED)[:2] == ("id", "Kunde Nr.")
    assert {"Loan.id", "Loan.Kunde Nr.", "Antrag, neu.id", "Antrag, neu.Kunde Nr."} == set(
        subject_names("id", NAMED)[2:]
    )
    assert subject_names("Kunde Nr.", NAMED) == ("Kunde Nr.",)
    assert subject_names("Loan.id", NAMED)[::3] == ("Loan.id", "Antrag, neu.Kunde Nr.")
    assert subject_names("elsewhere", NAMED) == ("elsewhere",)
    assert subject_names("id", None) == ("id",)
    assert subject_names(None, NAMED) == ()
