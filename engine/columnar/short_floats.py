"""Short floats of a frame as the decimals that they print as; for whoever reads a frame by columns or by rows.

A float32 that was 0.7 is 0.699999988079071 as a float64, which nobody wrote. Takes any frame; changes nothing else."""

from collections.abc import Sequence
from typing import Any

import polars as pl

#: Floats of fewer digits than a float64.
SHORT_FLOATS = (pl.Float16, pl.Float32) if hasattr(pl, "Float16") else (pl.Float32,)


def exact_floats(frame: pl.DataFrame, dtypes: Sequence[Any] | None = None) -> pl.DataFrame:
    """A frame whose short floats are the decimals that they print as: 0.7, and not 0.699999988079071.

    Args:
        frame: of any columns, also lists and structs.
        dtypes: of its columns; default None: the frame is asked, which takes as long as judging a record.

    Returns:
        The very frame, when it has none.
    """
    changed = [
        # Through the text that each prints as.
        frame.to_series(place).cast(_with(dtype, pl.String())).cast(_with(dtype, pl.Float64()))
        for place, dtype in enumerate(frame.dtypes if dtypes is None else dtypes)
        if _has_any(dtype)
    ]
    return frame.with_columns(changed) if changed else frame


def _has_any(dtype: Any) -> bool:
    """Whether short floats stand anywhere in a dtype."""
    # A frame has instances; comparing dtypes takes longer than looking at their classes.
    kind = dtype.__class__
    if kind is pl.Struct:
        return any(_has_any(field.dtype) for field in dtype.fields)
    return _has_any(dtype.inner) if kind is pl.List or kind is pl.Array else kind in SHORT_FLOATS


def _with(dtype: Any, kind: Any) -> Any:
    """A dtype with another one in the place of short floats, wherever they stand in it."""
    if dtype in SHORT_FLOATS:
        return kind
    if isinstance(dtype, pl.List):
        return pl.List(_with(dtype.inner, kind))
    if isinstance(dtype, pl.Array):
        return pl.Array(_with(dtype.inner, kind), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(field.name, _with(field.dtype, kind)) for field in dtype.fields])
    return dtype
