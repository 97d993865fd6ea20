"""Schemas made up from a seed for the facts of `generated_facts`: the same fields, other bounds and values.

The bounds leave most of the numbers and texts that facts have, and few of those that rules compute."""

import random
import unicodedata
from typing import Any

from engine.schema import Schema, parse_schema
from tests.engine.pools import EMITTED, NUMBERS, TEXTS, ZONES

_KINDS = {"n": "number", "m": "number", "k": "number", "t": "text", "u": "text", "f": "boolean", "d": "date"}
_KINDS |= {"tags": "list", "x": "object", "at": "time", "took": "duration"}
_DERIVED = {"out": "number", "out2": "text", "p": "number", "q": "number", "r": "duration"}
_LINES = {name: _KINDS[name] for name in ("n", "m", "t", "f", "x", "d", "at", "took")}

#: Lowest, highest, and values of which most facts have one.
_CLOCK_BOUNDS = {
    "time": ("08:00", "18:00:00", ["08:00", "09:30", "09:30:00.000001", "10:30:15.5", "00:00", "18:00"]),
    "duration": ("-PT1H", "P100D", ["PT0S", "PT1H", "PT90M", "P1D", "PT0.000001S", "-PT1H", "P7D"]),
}

#: What another system writes before a name.
ELSEWHERE = ["The", "Größe von", "収入", "a.b", "x-"]


def schema_from(seed: int) -> Schema:
    """A schema; every third without any bounds."""
    chance = random.Random(seed)
    bounded = chance.randrange(3) > 0

    named = chance.randrange(2) > 0

    def sent_as(name: str) -> list[str]:
        return [f'from = "{chance.choice(ELSEWHERE)} {name}"'] if named and chance.randrange(3) == 0 else []

    def keys(kind: str, derived: bool, name: str = "") -> str:
        words = [f'kind = "{kind}"'] + ["derived = true"] * derived + sent_as(name) * (not derived)
        if bounded and kind == "number" and chance.randrange(2 if derived else 4) == 0:
            words += [f"min = {chance.choice([-1, 0, -1000])}"] * chance.randrange(2)
            words += [
                f"max = {chance.choice(['5', '12.5', '1e15'] if derived else ['12.5', '1e15'])}"
            ] * chance.randrange(2)
            if not derived and chance.randrange(6) == 0:
                words.append(f"values = [{', '.join(NUMBERS)}, 6, 7, 8, 9, 11]")
        if derived and kind == "number" and chance.randrange(2):
            words.append(f"default = {chance.choice(['0', '1', '2.5'])}")
        if bounded and kind == "text" and chance.randrange(4) == 0:
            shown = [text for text in TEXTS if text.isprintable()]
            words.append(f"values = {shown[:-1]!r}".replace("'", '"'))
        if bounded and kind in _CLOCK_BOUNDS and chance.randrange(2 if derived else 4) == 0:
            low, high, values = _CLOCK_BOUNDS[kind]
            words += [f'min = "{low}"'] * chance.randrange(2) + [f'max = "{high}"'] * chance.randrange(2)
            if not derived and chance.randrange(4) == 0:
                words.append(f"values = {values!r}".replace("'", '"'))
        if derived and kind == "duration" and chance.randrange(2):
            words.append(f'default = "{chance.choice(["PT0S", "PT1H"])}"')
        return f"{{ {', '.join(words)} }}"

    zone = chance.choice(list(ZONES))
    lines = ['subject = "P"', 'key = "t"', f'timezone = "{zone}"']
    lines += ["strict = true"] * (chance.randrange(3) == 0) + ["[facts.P]", *sent_as("P"), "[facts.P.fields]"]
    lines += [f"{name} = {keys(kind, False, name)}" for name, kind in _KINDS.items()]
    lines += [f"{name} = {keys(kind, True)}" for name, kind in _DERIVED.items()]
    lines += ["[facts.L]", "list = true", *sent_as("L"), "[facts.L.fields]"]
    lines += [f"{name} = {keys(kind, False, name)}" for name, kind in _LINES.items()]
    lines += ["[facts.Q.fields]", f"n = {keys('number', False, 'n')}"]
    for name, kinds in EMITTED.items():
        lines += [f"[emit.{name}]", f"args = {kinds!r}".replace("'", '"')]
    return parse_schema("\n".join(lines))


class OtherSystem:
    """Sends facts by the other names of a schema: some of them, as another system spells them."""

    def __init__(self, schema: Schema, seed: int) -> None:
        self.schema = schema
        self.random = random.Random(seed)

    def sent(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Facts, under other names."""
        found = {}
        for name, value in facts.items():
            others = {field.name: field.sent_as for field in self.schema.facts[name].fields.values()}
            if isinstance(value, dict):
                value = self.renamed(value, others)
            elif isinstance(value, list):
                value = [self.renamed(one, others) if isinstance(one, dict) else one for one in value]
            found |= self.renamed({name: value}, {name: self.schema.facts[name].sent_as})
        return found

    def renamed(self, given: dict[str, Any], others: dict[str, str]) -> dict[str, Any]:
        """An object, under other names; now and then one comes twice."""
        found: dict[str, Any] = {}
        if self.random.randrange(20) == 0:
            # What no schema has; of a strict one, nothing is judged then.
            found[self.random.choice(["N", "price", "größe"])] = self.random.choice([None, 1, {}])
        for name, value in given.items():
            other = self.name(name, others.get(name, ""))
            found[other] = value
            if other != name and self.random.randrange(20) == 0:
                found[name] = self.random.choice([None, value])
        return found

    def name(self, own: str, other: str) -> str:
        """One of the two names."""
        if not other or self.random.randrange(3) == 0:
            return own
        return self.random.choice([other, other, f" {other}", unicodedata.normalize("NFD", other)])
