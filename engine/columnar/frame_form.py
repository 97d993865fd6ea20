"""The form of a frame: names and kinds of its columns, before any value is looked at.

frame -> [frame_form] -> choice, row_evaluator, program

Takes a frame, gives its form, and the frame with no short float in it. Asking polars what kinds nested columns have
makes an object of every field, which takes as long as judging two orders; so the last form is kept, and polars is asked
whether the next frame has it too: those of a batch do. Looks at no row."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from engine.columnar.short_floats import exact_floats

#: Classes of dtypes of which polars says for certain whether two are the same: of decimals it takes any two for it.
_CERTAIN: frozenset[type] = frozenset(
    {
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float64),
        *(pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time, pl.Duration, pl.Null),
    }
)


@dataclass(frozen=True)
class FrameForm:
    """What is known of the columns of some frames."""

    names: Sequence[str]
    #: Of each column, without short floats.
    dtypes: Sequence[Any]

    @cached_property
    def lists(self) -> tuple[int, ...]:
        """The places of the columns of lists of objects."""
        return tuple(place for place, dtype in enumerate(self.dtypes) if _is_of_objects(dtype))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many fields each column has: of an object, of the elements of a list; any other is one itself."""
        return tuple(map(_width, self.dtypes))

    @cached_property
    def of_object(self) -> "FrameForm | None":
        """The form of the fields, where an object with some is the only column."""
        if len(self.dtypes) != 1 or not isinstance(self.dtypes[0], pl.Struct) or not self.dtypes[0].fields:
            return None
        fields = self.dtypes[0].fields
        return FrameForm([field.name for field in fields], [field.dtype for field in fields])


class FrameForms:
    """The forms of the frames that come one after the other."""

    def __init__(self) -> None:
        """Begin; none is known."""
        #: The last form, and a frame of it without rows.
        self._last: tuple[FrameForm, pl.DataFrame] | None = None

    def of(self, frame: pl.DataFrame) -> tuple[FrameForm, pl.DataFrame]:
        """The form of a frame, and the frame with the decimals that short floats print as in their place.

        Args:
            frame: of any columns. One that has nothing but nulls comes back as the one before it had it.
        """
        # Another thread may keep another one meanwhile.
        last = self._last
        if last is not None:
            try:
                # Refused in a microsecond where names or kinds differ.
                return last[0], last[1].vstack(frame)
            except pl.exceptions.PolarsError:
                pass
        form = FrameForm(frame.columns, frame.dtypes)
        exact = exact_floats(frame, form.dtypes)
        if exact is not frame:
            return FrameForm(exact.columns, exact.dtypes), exact
        if form.dtypes and all(map(_is_certain, form.dtypes)):
            self._last = form, frame.clear()
        return form, frame


def _is_of_objects(dtype: Any) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)


def _width(dtype: Any) -> int:
    if _is_of_objects(dtype):
        dtype = dtype.inner
    return len(dtype.fields) if isinstance(dtype, pl.Struct) else 1


def _is_certain(dtype: Any) -> bool:
    kind = dtype.__class__
    if kind is pl.Struct:
        return all(_is_certain(field.dtype) for field in dtype.fields)
    return _is_certain(dtype.inner) if kind is pl.List else kind in _CERTAIN
