"""A polars frame in; for every row the answer that the record evaluation gives."""

from engine.columnar.frame_evaluator import FrameEvaluator, unpacked
from engine.columnar.frame_result import FrameResult

__all__ = ["FrameEvaluator", "FrameResult", "unpacked"]
