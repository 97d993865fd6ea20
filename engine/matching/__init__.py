"""Conditions to conjunctions to an index of bit tables: which rules match one set of facts."""

from engine.matching.index import BLOCK, Index, splits
from engine.matching.normal_form import Conjunction, NormalForm, validity
from engine.matching.probes import Entry, Probes, Residual
from engine.matching.ratios import Ratio, ratio_of

__all__ = [
    "BLOCK",
    "Conjunction",
    "Entry",
    "Index",
    "NormalForm",
    "Probes",
    "Ratio",
    "Residual",
    "ratio_of",
    "splits",
    "validity",
]
