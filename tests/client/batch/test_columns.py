"""Columns that are no field, and fields that are no column, are told apart from those that match."""

import pytest

from rulefarm.batch.columns import compare_columns

PUBLISHED = {
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


@pytest.mark.parametrize(
    ("columns", "unmatched", "missing"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_columns_and_fields_do_not_share_is_named(
    columns: list[str], unmatched: dict[str, str], missing: list[str]
) -> None:
    mismatch = compare_columns(columns, PUBLISHED)
    assert (dict(mismatch.unmatched), list(mismatch.missing)) == (unmatched, missing)
    assert bool(mismatch) == bool(mismatch.sentences()) == bool(unmatched or missing)


def test_it_is_said_in_sentences() -> None:
    assert compare_columns(["sku", "prise", "cost", "colour"], PUBLISHED).sentences() == [
        "columns that are no field: prise (did you mean price?), colour",
        "fields that rules read, and the source has not: Product.price",
    ]
    many = compare_columns([*(f"c{n}" for n in range(30)), "sku", "price", "cost"], PUBLISHED)
    assert many.sentences()[0].endswith("c19 and 10 more")


def test_only_what_is_new_counts_against_columns_that_were_in_order() -> None:
    before = ["sku", "price", "cost", "colour"]

    def new(*columns: str, is_json: bool = False) -> tuple[list[str], list[str]]:
        mismatch = compare_columns(columns, PUBLISHED).since(before, is_json=is_json)
        return list(mismatch.unmatched), list(mismatch.missing)

    assert new("sku", "price", "cost") == ([], [])
    assert new("sku", "price", "cost", "colour", "name") == ([], [])
    assert new("sku", "price", "cost", "size") == (["size"], [])
    assert new("sku", "prise", "cost", "colour") == (["prise"], ["Product.price"])
    # A line of JSON leaves null out: that nobody has a price tonight may be so.
    assert new("sku", "cost", is_json=True) == ([], [])
