"""A polars frame in; for every row the answer that the record evaluation gives."""

from engine.columnar.frame_evaluator import Chunks, unpacked
from engine.columnar.frame_result import FrameResult

__all__ = ["Chunks", "FrameResult", "unpacked"]
