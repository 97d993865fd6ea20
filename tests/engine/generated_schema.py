"""Schemas made up from a seed for the facts of `generated_facts`: the same fields, other bounds and values.

The bounds leave most of the numbers and texts that facts have, and few of those that rules compute."""

import random

from engine.schema import Schema, parse_schema
from tests.engine.pools import EMITTED, NUMBERS, TEXTS

_KINDS = {"n": "number", "m": "number", "k": "number", "t": "text", "u": "text", "f": "boolean", "d": "date"}
_KINDS |= {"tags": "list", "x": "object"}
_DERIVED = {"out": "number", "out2": "text", "p": "number", "q": "number"}
_LINES = {"n": "number", "m": "number", "t": "text", "f": "boolean", "x": "object", "d": "date"}


def schema_from(seed: int) -> Schema:
    """A schema; every third without any bounds."""
    chance = random.Random(seed)
    bounded = chance.randrange(3) > 0

    def keys(kind: str, derived: bool) -> str:
        words = [f'kind = "{kind}"'] + ["derived = true"] * derived
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
        return f"{{ {', '.join(words)} }}"

    lines = ['subject = "P"', 'key = "t"', "[facts.P.fields]"]
    lines += [f"{name} = {keys(kind, False)}" for name, kind in _KINDS.items()]
    lines += [f"{name} = {keys(kind, True)}" for name, kind in _DERIVED.items()]
    lines += ["[facts.L]", "list = true", "[facts.L.fields]"]
    lines += [f"{name} = {keys(kind, False)}" for name, kind in _LINES.items()]
    lines += ["[facts.Q.fields]", f"n = {keys('number', False)}"]
    for name, kinds in EMITTED.items():
        lines += [f"[emit.{name}]", f"args = {kinds!r}".replace("'", '"')]
    return parse_schema("\n".join(lines))
