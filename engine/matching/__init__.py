"""Conditions to conjunctions to an index of bit tables: which rules match one set of facts."""

from engine.matching.element_index import FOLDS, ElementIndex, Fold, element_indexes
from engine.matching.element_probe import ElementProbeLines, element_probe, finding_out
from engine.matching.extremes import with_extremes
from engine.matching.findings import Findings, find
from engine.matching.index import BLOCK, Index, splits
from engine.matching.normal_form import Conjunction, NormalForm, validity
from engine.matching.probes import Entry, Probes, Residual
from engine.matching.ratios import Ratio, ratio_of

__all__ = [
    "BLOCK",
    "FOLDS",
    "Conjunction",
    "ElementIndex",
    "ElementProbeLines",
    "Entry",
    "Findings",
    "Fold",
    "Index",
    "NormalForm",
    "Probes",
    "Ratio",
    "Residual",
    "element_indexes",
    "element_probe",
    "find",
    "finding_out",
    "ratio_of",
    "splits",
    "validity",
    "with_extremes",
]
