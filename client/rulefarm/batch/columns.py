"""Do the columns of a source match the fields of its domain?  names, published fields -> [columns] -> submit

Two misspelt headers are enough to let everything through: a column that is no field is read by nobody, and a field that
is not there is null in every row. Knows what was published with the ruleset, and no engine. Refuses nothing itself."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: Names that a sentence tells one by one.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class ColumnMismatch:
    """What columns and fields do not share."""

    #: Columns that are no field, each with the field that it may be meant for, or an empty text.
    unmatched: Mapping[str, str]
    #: `Fact.field` that some rule reads, and that the source has not, each with the name of its column.
    missing: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.unmatched or self.missing)

    def sentences(self) -> list[str]:
        """What to say about it."""
        found = []
        if self.unmatched:
            named = [f"{name} (did you mean {near}?)" if near else name for name, near in self.unmatched.items()]
            found.append(f"columns that are no field: {_listed(named)}")
        if self.missing:
            found.append(f"fields that rules read, and the source has not: {_listed(self.missing)}")
        return found

    def since(self, before: Mapping[str, str], *, is_json: bool) -> "ColumnMismatch":
        """The part of it that is new against columns that were in order.

        Args:
            before: the columns of then, from `own_columns`.
            is_json: whether a name is only there where it has a value, so that one may be missing by chance.
        """
        unmatched = {name: near for name, near in self.unmatched.items() if name not in before.values()}
        missing = {} if is_json else {field: name for field, name in self.missing.items() if name in before}
        return ColumnMismatch(unmatched, missing)


def own_columns(columns: Collection[str], published: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a source under the names that the domain has for them, each with its name in the source.

    Args:
        columns: their names; of lines of JSON the names in them, `price`, and `Product.price` where facts are whole.
        published: as `rulesets.source_fields` gives it.
    """
    facts, subject = published["facts"], published["subject"]
    others = {sent: fact for fact, sent in published.get("sent_as", {}).items()}
    elsewhere = {fact: _swapped(facts[fact].get("sent_as", {})) for fact in facts}
    own: dict[str, str] = {}
    for name in columns:
        plain = _plain(name)
        # A name of another system may have dots of its own.
        fact = next((name[:place] for place, one in enumerate(name) if one == "." and name[:place] in columns), "")
        if plain in others:
            own[others[plain]] = name
        elif plain in elsewhere[subject]:
            own[elsewhere[subject][plain]] = name
        elif fact:
            known, field = others.get(_plain(fact), fact), name[len(fact) + 1 :]
            own[f"{known}.{elsewhere.get(known, {}).get(_plain(field), field)}"] = name
        else:
            own[name] = name
    return own


def subject_names(subject: str | None, published: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names that the column of the subject may have in a source.

    Args:
        subject: the name or path that was asked for; None: none was.
        published: as for `own_columns`; None: nobody says.

    >>> fields = {"fields": ["id"], "sent_as": {"id": "Kunde Nr."}}
    >>> subject_names("id", {"subject": "Loan", "facts": {"Loan": fields}})
    ('id', 'Kunde Nr.', 'Loan.id', 'Loan.Kunde Nr.')
    """
    if not subject or published is None:
        return (subject,) if subject else ()
    fact, dot, field = subject.partition(".")
    own, facts = published["subject"], published["facts"]
    if dot and fact in facts:
        sent = published.get("sent_as", {}).get(fact, fact), facts[fact].get("sent_as", {}).get(field, field)
        return tuple(dict.fromkeys(f"{one}.{other}" for one in (fact, sent[0]) for other in (field, sent[1])))
    plain = (subject, facts[own].get("sent_as", {}).get(subject, subject))
    if subject not in facts[own]["fields"]:
        return tuple(dict.fromkeys(plain))
    # The field of domain.toml; where the facts are whole, it stands inside the fact.
    holders = own, published.get("sent_as", {}).get(own, own)
    return tuple(dict.fromkeys((*plain, *(f"{fact}.{name}" for fact in holders for name in plain))))


def compare_columns(columns: Mapping[str, str], published: Mapping[str, Any]) -> ColumnMismatch:
    """Compare the columns of a source with what a domain declares and reads.

    Args:
        columns: from `own_columns`.
        published: as `rulesets.source_fields` gives it.
    """
    facts: Mapping[str, Any] = published["facts"]
    subject = published["subject"]
    whole = [name for name in columns if name in facts]
    nested = {name for name in columns if "." in name and name.partition(".")[0] in columns}
    inside = {name for name in nested if name.partition(".")[0] in facts}
    outside = [name for name in columns if name not in facts and name not in nested]
    has_fields = {f"{subject}.{name}" for name in outside} | inside
    unmatched = {
        columns[name]: _nearest(name, facts[subject]) for name in outside if name not in facts[subject]["fields"]
    }
    for name in sorted(inside):
        fact, _, field = name.partition(".")
        if field.partition(".")[0] not in facts[fact]["fields"]:
            unmatched[columns[name]] = _nearest(field, facts[fact])
    # A table of whole facts does not say what is in them.
    read = [subject] if outside or not whole else sorted({name.partition(".")[0] for name in inside})
    missing = {
        f"{fact}.{field}": field if fact == subject and outside else f"{fact}.{field}"
        for fact in read
        for field in facts[fact]["read"]
        if f"{fact}.{field}" not in has_fields
    }
    return ColumnMismatch(unmatched, missing)


def _nearest(name: str, fact: Mapping[str, Any]) -> str:
    known = [*fact["fields"], *fact.get("sent_as", {}).values()]
    return next(iter(difflib.get_close_matches(name, known, 1)), "")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _swapped(names: Mapping[str, str]) -> dict[str, str]:
    return {sent: own for own, sent in names.items()}


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
