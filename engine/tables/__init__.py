"""Decision tables (csv, xlsx) to the same nodes as GRL, with a report of overlaps and gaps."""

from engine.tables.reader import read_table

__all__ = ["read_table"]
