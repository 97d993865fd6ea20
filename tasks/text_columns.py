"""Facts on record, as Postgres writes them, as the columns of a frame.  jobs -> [text_columns] -> judge_documents

What `document_columns` makes of objects this makes of their text, in a third of the time: only what some rule reads, or
the schema bounds, becomes a value. Polars takes `true` for 1 and 7 for a text without a word, so that what plainly is
no value of its field is looked for in the text before. Whatever is odd is named, and is for the record evaluation;
nothing is refused, rounded or converted here."""

from collections.abc import Mapping, Sequence

import polars as pl

from engine import FactSchema, FieldSchema, Program, Schema
from tasks.document_columns import DocumentColumns

#: Kinds to how the text of a plain value begins, as a class of characters; null, which begins with n, is one of each.
_BEGINNINGS: Mapping[str, str] = {
    **dict.fromkeys(("text", "date", "time", "duration"), '"'),
    "number": "-0-9",
    "boolean": "tf",
    # What has parts stands in no array.
    "list": "",
    "object": "",
}
_OBJECT, _LIST = "{", r"\["
_DTYPES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("text", "date", "time", "duration"), pl.String()),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}
_NO_OBJECT = pl.Struct({})
#: Texts that are read at once: what is made of them on the way stays in the cache.
_AT_ONCE = 256
#: A number that is no whole one of the language: Postgres writes all of its digits.
_LARGE = r'": -?[0-9]{16}'


class TextColumns:
    """Reads the facts of one domain for some programs."""

    def __init__(self, schema: Schema, programs: Sequence[Program]) -> None:
        """Prepare.

        Args:
            schema: of the domain.
            programs: those that will judge, each of which has that schema.
        """
        uses = [program.compiled.reader.use for program in programs]
        beginnings: dict[str, set[str]] = {}
        columns: dict[str, pl.DataType] = {}
        for fact in schema.facts.values():
            beginnings.setdefault(fact.name, set()).add(_LIST if fact.is_list else _OBJECT)
            for field in fact.fields.values():
                beginnings.setdefault(field.name, set()).add(_BEGINNINGS[field.kind])
            fields = [field for field in fact.fields.values() if field.kind in _DTYPES]
            read = [field for field in fields if not all(use.passes_over(fact.name, field) for use in uses)]
            # An object without any field is none.
            columns[fact.name] = _dtype(fact, read or fields[:1])
        self._dtype = pl.Struct(columns)
        # Names of other systems, and what is unknown, only objects tell. What begins behind a name, one look must tell.
        self._fits = (
            not (schema.strict or schema.sent_names)
            and all(len(each) == 1 for each in beginnings.values())
            and all(dtype not in (_NO_OBJECT, pl.List(_NO_OBJECT)) for dtype in columns.values())
        )
        # Names are letters, digits and underscores, which stand in JSON and in a pattern as they are.
        names: dict[str, list[str]] = {}
        for name, (begins, *_) in beginnings.items():
            names.setdefault(begins, []).append(name)
        self._odd = "|".join(
            [_LARGE, *(f'"(?:{"|".join(those)})": [^{begins}n]' for begins, those in sorted(names.items()))]
        )

    def read(self, texts: Sequence[str]) -> DocumentColumns | None:
        """The columns of some facts.

        Args:
            texts: each an object, written as Postgres writes jsonb.

        Returns:
            None where columns can't be told from texts.
        """
        if not (self._fits and texts):
            return None
        given = pl.Series("", texts, pl.String())
        try:
            odd = given.str.contains(self._odd)
            if apart := frozenset(odd.arg_true().to_list()):
                given = pl.select(pl.when(odd).then(pl.lit("{}")).otherwise(given)).to_series()
            slices = [given[first : first + _AT_ONCE] for first in range(0, len(given), _AT_ONCE)]
            facts = pl.concat([each.str.json_decode(self._dtype).struct.unnest() for each in slices], rechunk=True)
        except pl.exceptions.PolarsError:
            # An element that is no object, a number of hundreds of digits: objects tell which row it is.
            return None
        columns = [column for column in facts.get_columns() if column.null_count() < len(column)]
        return DocumentColumns(pl.DataFrame(columns), apart) if columns else None


def _dtype(fact: FactSchema, fields: Sequence[FieldSchema]) -> pl.DataType:
    dtype = pl.Struct({field.name: _DTYPES[field.kind] for field in fields})
    return pl.List(dtype) if fact.is_list else dtype
