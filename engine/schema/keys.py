"""Every key of a domain.toml: what it takes, what it is when left out, what it means.  [keys] -> reader, docs/domain.md

The reader refuses a key that does not stand here, and `python -m engine.schema.keys` prints the reference, which a test
keeps equal to docs/domain.md. Reads nothing and checks no value; the readers of the tables do."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    #: What its value may be, in words.
    takes: str
    #: What is taken when it is left out, in words; `-` when it has to be there.
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The keys of one kind of table."""

    #: Its header, as it is written.
    header: str
    #: What it declares.
    meaning: str
    keys: tuple[Key, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys."""
        return tuple(key.name for key in self.keys)

    def page(self) -> str:
        """The table, in Markdown."""
        lines = [f"## `{self.header}`" if self.header else "## At the top", "", self.meaning, ""]
        lines += ["| Key | Takes | Left out | Meaning |", "|---|---|---|---|"]
        lines += [f"| `{key.name}` | {key.takes} | {key.default} | {key.meaning} |" for key in self.keys]
        return "\n".join(lines) + "\n"


_DESCRIPTION = Key("description", "text", "none", "for people")

TOP = KeyTable(
    "",
    "What a job of the domain is about.",
    (
        Key("subject", "name of a fact", "-", "the fact that a job judges: an object, no list"),
        Key("key", "name of a field", "-", "the field of the subject that names it: a text or a number"),
        Key("facts", "tables, see below", "-", "the facts that rules may read and write"),
        Key("lookup", "tables, see below", "none", "facts that are looked up"),
        Key("stream", "tables, see below", "none", "windows of recent events"),
        Key("emit", "tables, see below", "none", "calls that rules may make"),
        Key("decimal", '`"."` or `","`', '`"."`', "what decimals stand behind in text that comes in: csv, workbooks"),
        Key(
            "timezone",
            'an IANA name: `"Europe/Berlin"`',
            '`"UTC"`',
            "the zone of days, of dates and times that say none, and of what `Hour`, `Weekday` and their kin show",
        ),
        Key(
            "strict",
            "`true` or `false`",
            "`false`",
            "whether facts with a name that is none of these are an `error`; they are judged with a warning otherwise",
        ),
        _DESCRIPTION,
    ),
)
FACT = KeyTable(
    "[facts.Product]",
    "One fact. An object needs no table of its own, only its fields.",
    (
        Key("list", "`true` or `false`", "`false`", "whether it is a list of like objects"),
        Key("from", "text", "none", "the name that it has in another system; as of a field, below"),
        Key("fields", "a table, see below", "-", "its fields, at least one"),
        _DESCRIPTION,
    ),
)
#: Of a field, as its kind says.
_BOUND = 'a number, `"08:00"`, `"PT1H30M"`'
FIELD = KeyTable(
    "[facts.Product.fields]",
    'One line a field: `price = { kind = "number", min = 0 }`. What a job sends besides is ignored.',
    (
        Key("kind", "`number` `text` `boolean` `date` `time` `duration` `list` `object`", "-", "what its values are"),
        Key(
            "from",
            "text",
            "none",
            "the name that it has in another system, with blanks and letters as there: in jobs, and as a column or name"
            " in a batch's source",
        ),
        Key("required", "`true` or `false`", "`false`", "whether a job has to send it; rules can't make it null"),
        Key("min", _BOUND, "no bound", "lowest value, itself included; for jobs and for assignments"),
        Key("max", _BOUND, "no bound", "highest value, itself included; for jobs and for assignments"),
        Key(
            "values",
            "a list of texts, numbers, times or durations",
            "any",
            "the only values, for jobs and for assignments; their order is the one of the hit policies `P` and `O`",
        ),
        Key("derived", "`true` or `false`", "`false`", "whether rules write it and no job may send it"),
        Key("private", "`true` or `false`", "`false`", "whether people who look at facts see no value of it, below"),
        Key(
            "default",
            "a number, a duration",
            "0, `PT0S`",
            "what a derived number or duration without a value counts as in `+=` `-=` `*=` `/=` and in the"
            " sums of `C+` and `C#`; until then it is null",
        ),
        _DESCRIPTION,
    ),
)
LOOKUP = KeyTable(
    "[lookup.Customer]",
    "A fact that does not come with a job but is looked up: [facts.md](facts.md#reference-facts).",
    (
        Key("by", '`"Fact.field"`', "-", "a text or number of an object that comes with the job"),
        Key("required", "`true` or `false`", "`false`", "whether a job whose fact is nowhere is an error"),
        _DESCRIPTION,
    ),
)
STREAM = KeyTable(
    "[stream.payments]",
    "A list fact that holds the recent events of one key: [facts.md](facts.md#event-windows).",
    (
        Key("key", '`"Fact.field"`', "-", "what groups the events: a text or number that comes with the job"),
        Key("time", '`"Fact.field"`', "`as_of`", "the date of that fact which says when an event happened"),
        Key("window", '`"90s"` `"10m"` `"24h"` `"7d"`', "-", "how long an event is seen, at most 31 days"),
        Key("max_events", "1 to 1,000", "200", "events that are seen at most: the newest"),
        Key("late", "as `window`", '`"1h"`', "how long events are kept beyond the window, for jobs judged late"),
        _DESCRIPTION,
    ),
)
EMIT = KeyTable(
    "[emit.SendAlert]",
    'A call that rules may make as an action: `SendAlert("low stock")`. It becomes an entry of the verdict: `events`'
    " holds its name, its arguments and the rule. Nothing is executed: whoever waits for the verdict acts on it.",
    (
        Key("args", "a list of kinds, as of a field", "none", "the kind of each argument; any of them may be null"),
        _DESCRIPTION,
    ),
)
TABLES = (TOP, FACT, FIELD, LOOKUP, STREAM, EMIT)


def domain_page() -> str:
    """The reference, in Markdown."""
    return "\n".join(table.page() for table in TABLES)


if __name__ == "__main__":
    sys.stdout.write(domain_page())
