"""domain.toml to a `Schema`: the facts, fields, lookups and streams of a domain.

Takes the text of the file, gives the schema or every problem of it, and says of each field which values it can have.
Knows no rule, and no service in which shared facts are kept."""

from engine.schema.json_schema import json_schema
from engine.schema.limits import Limits
from engine.schema.possible_values import possible_values, values_of_kind
from engine.schema.private_fields import HIDDEN, PrivateFields
from engine.schema.reader import parse_schema
from engine.schema.schema import CallSchema, FactSchema, FieldSchema, Kind, Schema, Stream
from engine.schema.sent_names import SentNames, doubled

__all__ = [
    "HIDDEN",
    "CallSchema",
    "FactSchema",
    "FieldSchema",
    "Kind",
    "Limits",
    "PrivateFields",
    "Schema",
    "SentNames",
    "Stream",
    "doubled",
    "json_schema",
    "parse_schema",
    "possible_values",
    "values_of_kind",
]
