"""The facts of a job, checked against the schema and put into slots; paths into them."""

from engine.facts.codegen import FunctionWriter
from engine.facts.element_layout import ElementLayout
from engine.facts.field_use import FieldUse
from engine.facts.known_names import KnownNames
from engine.facts.paths import Place, Steps, get_path, path_label, present, with_path
from engine.facts.reader import FactReader
from engine.facts.row_reader import ReadRows, compile_row_reader, is_only_bounded, spans_of
from engine.facts.slots import AS_OF, CANDIDATES, FINDING, MEMO, ORDINARY, Overlap, Role, SlotLayout, Slots, reads

__all__ = [
    "AS_OF",
    "CANDIDATES",
    "FINDING",
    "MEMO",
    "ORDINARY",
    "ElementLayout",
    "FactReader",
    "FieldUse",
    "FunctionWriter",
    "KnownNames",
    "Overlap",
    "Place",
    "ReadRows",
    "Role",
    "SlotLayout",
    "Slots",
    "Steps",
    "compile_row_reader",
    "get_path",
    "is_only_bounded",
    "path_label",
    "present",
    "reads",
    "spans_of",
    "with_path",
]
