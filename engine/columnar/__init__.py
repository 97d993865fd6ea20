"""A polars frame in; for every row the answer that the record evaluation gives."""

from engine.columnar.choice import pays, pays_whole
from engine.columnar.frame_evaluator import FrameEvaluator, unpacked
from engine.columnar.frame_result import FrameResult
from engine.columnar.row_evaluator import RowEvaluator
from engine.columnar.short_floats import exact_floats

__all__ = [
    "FrameEvaluator",
    "FrameResult",
    "RowEvaluator",
    "exact_floats",
    "pays",
    "pays_whole",
    "unpacked",
]
