"""A polars frame in; for every row the answer that the record evaluation gives."""

from engine.columnar.choice import lengths_of, pays, pays_whole
from engine.columnar.frame_evaluator import FrameEvaluator, unpacked
from engine.columnar.frame_form import FrameForm, FrameForms
from engine.columnar.frame_result import FrameResult
from engine.columnar.row_evaluator import FormOfRows, RowEvaluator
from engine.columnar.short_floats import exact_floats

__all__ = [
    "FormOfRows",
    "FrameEvaluator",
    "FrameForm",
    "FrameForms",
    "FrameResult",
    "RowEvaluator",
    "exact_floats",
    "lengths_of",
    "pays",
    "pays_whole",
    "unpacked",
]
