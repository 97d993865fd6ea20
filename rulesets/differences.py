"""What differs between two versions of a ruleset.  two programs -> [differences] -> rules, rows and fields

Rules are told apart by their names. Rows of a table that nobody named are called by their numbers, which a new row
above them changes: they are told apart by what they say. So an author who adds one row reads of one row. Judges
nothing: what a difference does to facts is for whoever has facts to say."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from engine import Program, Rule, Schema, print_rule

#: The name of a row that its author gave none: the table's, and the number of the row.
_NUMBERED = re.compile(r"#\d+$")

Kind = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule, row or field that is not what it was."""

    kind: Kind
    #: Of the rule; of the field, with its fact; `domain.toml` for what is of the whole domain.
    name: str
    #: Its text before; None: it was not there.
    before: str | None
    #: Its text after; None: it is not there.
    after: str | None

    def to_json(self) -> dict[str, Any]:
        """The difference as plain data."""
        return asdict(self)


def differences(before: Program, after: Program) -> list[Difference]:
    """What of a ruleset is not what it was: fields of the schema first, then rules in the order of the later version.

    Args:
        before: one version.
        after: another.

    Returns:
        Nothing if both judge alike in every case; a difference of comments and of where files stand is none.
    """
    return [*_of_schemas(before.schema, after.schema), *_of_rules(before.rules, after.rules)]


def changed_rules(found: Sequence[Difference], rule: str) -> list[Difference]:
    """Those differences that are about one rule, or about rows of the table with that name.

    Args:
        found: by `differences`.
        rule: its name; of a table without the number of a row.
    """
    return [one for one in found if one.name == rule or one.name.partition("#")[0] == rule]


def names_after(before: Program, after: Program) -> dict[str, str]:
    """What the rules and rows of a version are called in another: a new row above them changes their numbers.

    Args:
        before: one version.
        after: another.

    Returns:
        Name to name, of what is in both.
    """
    one, other = _entries(before.rules), _entries(after.rules)
    pairs = _pair(one, other)
    return {entry.name: pairs[id(entry)].name for entry in one if id(entry) in pairs}


def _entries(rules: Sequence[Rule]) -> list["_Entry"]:
    return [_Entry.of(rule) for rule in rules]


def _pair(one: Sequence["_Entry"], other: Sequence["_Entry"]) -> dict[int, "_Entry"]:
    """The later one of each entry that is still there, by its identity."""
    pairs = _pair_named(one, other)
    for table in sorted({entry.table for entry in [*one, *other] if entry.table}):
        pairs |= _pair_rows(
            [entry for entry in one if entry.table == table], [entry for entry in other if entry.table == table]
        )
    return pairs


def _of_rules(before: Sequence[Rule], after: Sequence[Rule]) -> list[Difference]:
    one, other = _entries(before), _entries(after)
    pairs = _pair(one, other)
    gone = [Difference("removed", entry.name, entry.text, None) for entry in one if id(entry) not in pairs]
    found = {
        id(later): earlier for earlier, later in ((entry, pairs[id(entry)]) for entry in one if id(entry) in pairs)
    }
    kept = _in_place([found[id(entry)] for entry in other if id(entry) in found], one)
    changed = []
    for entry in other:
        earlier = found.get(id(entry))
        if earlier is None:
            changed.append(Difference("added", entry.name, None, entry.text))
        elif earlier.body != entry.body:
            changed.append(Difference("changed", entry.name, earlier.text, entry.text))
        elif id(earlier) not in kept:
            changed.append(Difference("moved", entry.name, earlier.text, entry.text))
    return [*gone, *changed]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    name: str
    #: Of which table it is a row without a name; empty: it has a name, or is no row.
    table: str
    #: What it says, whatever it is called.
    body: str
    text: str

    @classmethod
    def of(cls, rule: Rule) -> "_Entry":
        numbered = _NUMBERED.search(rule.name) if rule.once else None
        # The group of a single-hit table is called like its file, wherever that stands.
        unplaced = replace(rule, name="", activation_group="" if rule.once and rule.activation_group else None)
        plain = unplaced if rule.once else replace(rule, name="")
        return cls(rule.name, rule.name[: numbered.start()] if numbered else "", print_rule(plain), print_rule(rule))


def _pair_named(one: Sequence[_Entry], other: Sequence[_Entry]) -> dict[int, _Entry]:
    by_name = {entry.name: entry for entry in other if not entry.table}
    return {id(entry): by_name[entry.name] for entry in one if not entry.table and entry.name in by_name}


def _pair_rows(one: Sequence[_Entry], other: Sequence[_Entry]) -> dict[int, _Entry]:
    """Rows that say the same, in order first, then wherever they went; what is left in one place, one by one."""
    pairs: dict[int, _Entry] = {}
    left: list[tuple[list[_Entry], list[_Entry]]] = []
    for tag, a, b, c, d in _blocks([entry.body for entry in one], [entry.body for entry in other]):
        if tag == "equal":
            pairs |= {id(entry): later for entry, later in zip(one[a:b], other[c:d], strict=True)}
        else:
            left.append((list(one[a:b]), list(other[c:d])))
    elsewhere: dict[str, list[_Entry]] = {}
    for _, later in left:
        for entry in later:
            elsewhere.setdefault(entry.body, []).append(entry)
    for earlier, _ in left:
        for entry in tuple(earlier):
            if same := elsewhere.get(entry.body):
                pairs[id(entry)] = same.pop(0)
                earlier.remove(entry)
    taken = {id(entry) for entry in pairs.values()}
    for earlier, later in left:
        pairs |= {
            id(entry): new for entry, new in zip(earlier, [new for new in later if id(new) not in taken], strict=False)
        }
    return pairs


def _in_place(order: Sequence[_Entry], one: Sequence[_Entry]) -> set[int]:
    """Which of these stand, among each other, as they did."""
    places = {id(entry): place for place, entry in enumerate(one)}
    was = sorted(places[id(entry)] for entry in order)
    now = [places[id(entry)] for entry in order]
    stayed = {was[n] for tag, a, b, _, _ in _blocks(was, now) if tag == "equal" for n in range(a, b)}
    return {id(entry) for entry in order if places[id(entry)] in stayed}


def _blocks(one: Sequence[Any], other: Sequence[Any]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def _of_schemas(before: Schema | None, after: Schema | None) -> Iterator[Difference]:
    one, other = _lines(before), _lines(after)
    for name in sorted(one.keys() | other.keys()):
        was, now = one.get(name), other.get(name)
        if was != now:
            kind: Kind = "added" if was is None else "removed" if now is None else "changed"
            yield Difference(kind, name, was, now)


def _lines(schema: Schema | None) -> dict[str, str]:
    """What a schema says, by what it says it of."""
    lines: dict[str, list[str]] = {}
    for line in schema.canonical().splitlines() if schema is not None else ():
        first, *rest = line.split(" ", 2)
        of_domain = "." in first or not rest or first in ("subject", "decimal", "timezone")
        name = first if of_domain else f"{first} {rest[0]}".partition("(")[0]
        lines.setdefault(name, []).append(line)
    return {name: "\n".join(found) for name, found in lines.items()}
