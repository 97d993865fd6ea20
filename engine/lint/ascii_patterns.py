r"""Patterns whose classes know ASCII only, beside letters that are not.  [ascii_patterns] -> review

In RE2 `\w`, `\d`, `\s` and `\b` are about ASCII: `\w+` finds no ü, and `\b` takes a word to end before one. Where the
pattern, other texts of its rule or the `values` of the field have such letters, that is most likely not what was meant.
It does not look at facts."""

import re
from collections.abc import Iterator, Sequence

from engine.language import Literal, Path, Rule, TextTest, rule_expressions, walk
from engine.lint.reachability import LintWarning
from engine.schema import Schema

#: One escape; the backslash of `\\w` is escaped itself.
_ESCAPE = re.compile(r"\\(.)")
_HINT = r"write \p{L} for a letter, \p{Nd} for a digit, [\p{L}\p{Nd}_] for \w"


def ascii_patterns(rules: Sequence[Rule], schema: Schema | None) -> Iterator[LintWarning]:
    """Patterns that most likely mean more letters than they find.

    Args:
        rules: in source order.
        schema: of their facts; None: there is none.
    """
    for rule in rules:
        nodes = [node for expression in rule_expressions(rule) for node in walk(expression)]
        written = [node.value for node in nodes if isinstance(node, Literal) and isinstance(node.value, str)]
        for node in nodes:
            match node:
                case TextTest("matches", left, Literal(str() as pattern)):
                    classes = sorted({f"\\{sign}" for sign in _ESCAPE.findall(pattern) if sign in "wWdDsSbB"})
                    other = next(filter(None, map(_letter, [*written, *_values(left, schema)])), "")
                    if classes and other:
                        message = f"{' and '.join(classes)} know ASCII only, and there are other letters here: {other}"
                        yield LintWarning("pattern-ascii", node, message, _HINT)


def _letter(text: str) -> str:
    """The first letter or digit of a text that is none of ASCII; empty when there is none."""
    return next((character for character in text if not character.isascii() and character.isalnum()), "")


def _values(field: object, schema: Schema | None) -> list[str]:
    """The texts that the schema lists for a field."""
    known = schema.field_at(field.fact, field.steps) if schema is not None and isinstance(field, Path) else None
    return [value for value in known.values or () if isinstance(value, str)] if known is not None else []
