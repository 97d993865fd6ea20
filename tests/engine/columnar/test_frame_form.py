"""What is known of one frame is taken for the next one only where it holds there."""

import itertools

import polars as pl
import pytest

from engine.columnar import FrameForms, exact_floats

KINDS = [pl.Null(), pl.Int8(), pl.Int64(), pl.UInt8(), pl.Float32(), pl.Float64(), pl.String(), pl.Boolean()]
KINDS += [pl.Date(), pl.Time(), pl.Duration("us"), pl.Duration("ms"), pl.Categorical(), pl.Enum(["a"]), pl.Enum(["b"])]
KINDS += [pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Datetime("us", "Europe/Berlin")]
KINDS += [pl.Decimal(10, 2), pl.Decimal(10, 3), pl.Decimal(12, 2), pl.Binary(), pl.Array(pl.Float64(), 2)]
INNER = [pl.Null(), pl.Float32(), pl.Float64(), pl.String(), pl.Decimal(10, 2), pl.Decimal(10, 3)]
OBJECTS = [pl.Struct({"a": kind}) for kind in INNER]
OBJECTS += [pl.Struct({}), pl.Struct({"b": pl.Float64()})]
OBJECTS += [pl.Struct(dict.fromkeys(names, pl.Float64())) for names in ("ab", "ba")]
KINDS += [*OBJECTS, *map(pl.List, INNER), *map(pl.List, OBJECTS), *(pl.Struct({"a": one}) for one in OBJECTS)]


def same(frame: pl.DataFrame, other: pl.DataFrame) -> bool:
    return repr(frame.to_dicts()) == repr(other.to_dicts())


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_form_is_that_of_its_frame_whatever_came_before(kind: pl.DataType) -> None:
    frame = pl.DataFrame({"c": pl.Series([None, None], dtype=kind)})
    for before in KINDS:
        forms = FrameForms()
        forms.of(pl.DataFrame({"c": pl.Series([None], dtype=before)}))
        form, given = forms.of(frame)
        assert (form.names, form.dtypes) == (given.columns, given.dtypes)
        assert same(given, exact_floats(frame))
        if "Null" not in str(kind):
            assert given.dtypes == exact_floats(frame).dtypes


@pytest.mark.parametrize(("names", "others"), list(itertools.permutations(["", "a", "b", "ab", "ba", "abc"], 2)))
def test_a_form_has_the_names_of_its_frame_in_their_order(names: str, others: str) -> None:
    forms = FrameForms()
    forms.of(pl.DataFrame({name: [1.0] for name in names}))
    frame = pl.DataFrame({name: [2.0] for name in others})
    form, given = forms.of(frame)
    assert form.names == given.columns == list(others)
    assert same(given, frame)


def test_frames_of_one_form_share_it_and_keep_their_rows() -> None:
    forms = FrameForms()
    lines = pl.List(pl.Struct({"n": pl.Float64(), "t": pl.String()}))
    frames = [
        pl.DataFrame({"P": [{"n": number}], "L": pl.Series([[{"n": number, "t": "a"}]], dtype=lines)})
        for number in (1.0, 2.0)
    ]
    forms_of_both = [forms.of(frame) for frame in frames]
    assert forms_of_both[0][0] is forms_of_both[1][0]
    assert all(same(given, frame) for (_, given), frame in zip(forms_of_both, frames, strict=True))
    assert forms_of_both[0][0].lists == (1,)
    assert forms_of_both[0][0].widths == (1, 2)
