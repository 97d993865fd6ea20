"""Read the header of a rule: its name, its description, its attributes.  token_stream -> [header_parser] -> parser

Takes the tokens between `rule` and `{`, gives a `RuleHeader`. Attributes stand in any order; which rules share a group
is not known here."""

import typing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from engine.diagnostics import Span
from engine.language.lexer import MAX_NAME_CHARACTERS
from engine.language.operand_parser import DATE_FORMS
from engine.language.token_stream import TokenStream
from engine.language.written_values import read_moment
from engine.suggestions import did_you_mean
from engine.values import Day, literal, start_of

#: Far beyond what anybody orders by hand.
MAX_SALIENCE = 1_000_000_000

ATTRIBUTES = (
    "salience",
    "no-loop",
    "lock-on-active",
    "agenda-group",
    "activation-group",
    "date-effective",
    "date-expires",
)


@dataclass(slots=True)
class RuleHeader:
    """What stands between `rule` and `{`, as far as it could be read."""

    name: str = ""
    #: Of the name; None: there is no name, and so no rule.
    span: Span | None = None
    #: Whether a brace begins the body.
    braced: bool = True
    description: str = ""
    #: Those that are written, by the name of the field of `Rule`.
    attributes: dict[str, typing.Any] = field(default_factory=dict)


class HeaderParser:
    """Reads headers.

    Args:
        tokens: of the source.
    """

    def __init__(self, tokens: TokenStream) -> None:
        self._tokens = tokens

    def read(self, header: RuleHeader) -> None:
        """Read a header into one that is blank, up to the brace or to a `when` without one.

        Raises:
            StatementUnreadable: it can't be read on; what was read before is in the header.
        """
        tokens = self._tokens
        start = tokens.token
        if start.kind == "text":
            tokens.advance()
            header.name = str(start.value)
        elif start.kind == "name":
            header.name = self._hyphenated()
        else:
            message = f"expected the name of the rule, found {tokens.shown()}"
            raise tokens.unreadable("grl-syntax", message, 'rule "Name" { … }')
        header.span = tokens.span_from(start.start)
        if not header.name.strip() or len(header.name) > MAX_NAME_CHARACTERS:
            message = f"the name of a rule has 1 to {MAX_NAME_CHARACTERS} characters"
            tokens.source.report_at(header.span, "grl-name", message)
        if tokens.token.kind == "text":
            header.description = str(tokens.advance().value)
        while tokens.token.kind == "name" and tokens.word() != "when":
            self._attribute(header.attributes)
        if tokens.word() == "when":
            header.braced = False
            if tokens.source.is_first("no braces"):
                hint = "the body of a rule stands in braces, here and in all other rules of this file"
                tokens.report_here("grl-syntax", "expected '{' before 'when'", hint)
            return
        tokens.expect("{", "to begin the rule")
        effective, expires = (header.attributes.get(key) for key in ("date_effective", "date_expires"))
        if effective is not None and expires is not None and _ends_before(effective, expires):
            tokens.source.report_at(header.span, "grl-date", "the rule expires before it takes effect")

    def _hyphenated(self) -> str:
        """A name that may have hyphens in it: `no-loop`."""
        tokens = self._tokens
        parts = [str(tokens.advance().value)]
        while tokens.at("-") and tokens.token.start == tokens.before.end:
            tokens.advance()
            if tokens.token.kind not in ("name", "number") or tokens.token.start != tokens.before.end:
                raise tokens.unreadable("grl-syntax", f"expected a name after '-', found {tokens.shown()}")
            parts.append(tokens.source.text[tokens.token.start : tokens.token.end])
            tokens.advance()
        return "-".join(parts)

    def _attribute(self, attributes: dict[str, typing.Any]) -> None:
        tokens = self._tokens
        start = tokens.token
        written = self._hyphenated()
        name = written.lower()
        if name not in ATTRIBUTES:
            hint = did_you_mean(name.replace("_", "-"), ATTRIBUTES) or f"attributes: {', '.join(ATTRIBUTES)}"
            token = start._replace(end=tokens.before.end)
            raise tokens.unreadable("grl-attribute", f"'{written}' is not an attribute of a rule", hint, token)
        key = name.replace("-", "_")
        if key in attributes:
            tokens.source.report("grl-attribute", start.start, tokens.before.end, f"'{name}' is given twice")
        if name == "salience":
            attributes[key] = self._salience()
        elif name in ("no-loop", "lock-on-active"):
            flag = tokens.word()
            if flag in ("true", "false"):
                tokens.advance()
            attributes[key] = flag != "false"
        elif tokens.token.kind not in ("text", "name"):
            raise tokens.unreadable("grl-attribute", f"expected a text after '{name}', found {tokens.shown()}")
        elif name.startswith("date-"):
            attributes[key] = self._moment()
        else:
            attributes[key] = str(tokens.advance().value)

    def _salience(self) -> int:
        tokens = self._tokens
        start = tokens.token.start
        negative = tokens.take("-")
        value = tokens.token.value
        if not isinstance(value, Decimal) or value != value.to_integral_value():
            message = f"expected a whole number after 'salience', found {tokens.shown()}"
            raise tokens.unreadable("grl-attribute", message)
        tokens.advance()
        if value > MAX_SALIENCE:
            message = f"salience is at most {MAX_SALIENCE:,}"
            tokens.source.report("grl-attribute", start, tokens.before.end, message)
            return 0
        return -int(value) if negative else int(value)

    def _moment(self) -> date | None:
        moment = read_moment(str(self._tokens.token.value))
        if moment is None:
            self._tokens.report_here("grl-date", f"{self._tokens.shown()} is not a date", DATE_FORMS)
        self._tokens.advance()
        return moment


def _ends_before(effective: date, expires: date) -> bool:
    """Whether a rule expires before it takes effect; on a day it is in force until that ends."""
    start, end = literal(effective), literal(expires)
    return bool((end.end if isinstance(end, Day) else end) <= start_of(start))
