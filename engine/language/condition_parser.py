"""Read the condition of a rule, with the bindings of its pattern.  expression_parser -> [condition_parser] -> parser

`a: Payment from stream("payments") over window(10 min, sliding)` stands between the outermost `&&` of a condition and
nowhere else. The operands that name a binding are gathered with the bindings in one `Pattern`, whichever of them stood
first; all others stay what they are. The words of a binding are names everywhere else. Which streams there are is not
known here (`engine.checks.event_checks` does)."""

from decimal import Decimal

from engine.language.expression_parser import ExpressionParser
from engine.language.keywords import BINDING, RESERVED
from engine.language.lexer import TokenKind
from engine.language.nodes import And, Binding, Bound, Expression, Literal, Node, Path, Pattern
from engine.language.token_stream import StatementUnreadable, TokenStream
from engine.language.traversal import changed, walk
from engine.values import MAX_WINDOW_DAYS, MAX_WINDOW_S, unit_seconds

#: Of one rule, absences included. Every further one is a loop over the window within the loops of the others.
MAX_BINDINGS = 4

#: A binding, and what stands for it among the operands of its condition.
StandIn = tuple[Literal, Binding]


class ConditionParser:
    """Reads conditions.

    Args:
        tokens: of the source.
        expressions: reads the same tokens.
    """

    def __init__(self, tokens: TokenStream, expressions: ExpressionParser) -> None:
        self._tokens = tokens
        self._expressions = expressions

    def condition(self) -> Expression:
        """Read the whole condition of a rule.

        Raises:
            StatementUnreadable: there is none, and why is reported.
        """
        stand_ins: list[StandIn] = []

        def binding() -> Expression | None:
            if not self._at_binding():
                return None
            node = self._binding()
            stand_in = Literal(True, span=node.span)
            stand_ins.append((stand_in, node))
            return stand_in

        node = self._expressions.expression(binding)
        return self._gathered(node, stand_ins) if stand_ins else node

    def _at_binding(self) -> bool:
        tokens = self._tokens
        if tokens.token.kind != "name":
            return False
        is_absence = tokens.word() == "not"
        name = tokens.ahead(1) if is_absence else tokens.token
        colon = tokens.ahead(2) if is_absence else tokens.ahead(1)
        return name.kind == "name" and colon.kind == "op" and colon.value == ":"

    def _binding(self) -> Binding:
        tokens = self._tokens
        start = tokens.token.start
        absent = tokens.ahead(1).value != ":"
        if absent:
            tokens.advance()
        if tokens.word() in RESERVED:
            message = f"{tokens.shown()} is a word of the language, and names no event"
            raise tokens.unreadable("pattern-name", message)
        name = str(tokens.advance().value)
        tokens.expect(":", "after the name of an event")
        fact = self._name_of("name", "the name of a fact")
        if tokens.at("("):
            if tokens.source.text[start - 1 : start] == "$":
                # That sign was reported, and belongs to the same mistake: $o: Order(total > 5).
                tokens.source.mark(tokens.token.start)
            hint = "a field is read by its name: Order.total > 5; of a list exists(Line.qty > 1)"
            raise tokens.unreadable("grl-syntax", f"'{fact}' is no pattern with fields in brackets", hint)
        self._word("from")
        self._word("stream")
        tokens.expect("(", "after 'stream'")
        stream = self._name_of("text", "the name of a stream in double quotes")
        tokens.expect(")", "after the name of the stream")
        self._word("over")
        self._word("window")
        window_s = self._window()
        return Binding(name, fact, stream, window_s, absent, span=tokens.span_from(start))

    def _window(self) -> int:
        tokens = self._tokens
        tokens.expect("(", "after 'window'")
        start = tokens.token
        if not isinstance(start.value, Decimal):
            raise self._unlike("the length of the window")
        tokens.advance()
        unit = unit_seconds(tokens.word())
        if unit is None:
            hint = "units are s, min, h and d: window(10 min, sliding)"
            raise tokens.unreadable("pattern-window", f"expected a unit of time, found {tokens.shown()}", hint)
        tokens.advance()
        length = start.value * unit
        if length != int(length) or not 1 <= length <= MAX_WINDOW_S:
            message = f"a window is 1 second to {MAX_WINDOW_DAYS} days long, in whole seconds"
            tokens.source.report("pattern-window", start.start, tokens.before.end, message)
            length = Decimal(1)
        if tokens.take(","):
            if tokens.word() == "tumbling":
                hint = "write sliding: the events that are at most so much older than the job"
                tokens.report_here("pattern-window", "tumbling windows are not in the language", hint)
                tokens.advance()
            else:
                self._word("sliding")
        else:
            hint = "sliding is the only kind there is: window(10 min, sliding)"
            raise tokens.unreadable("pattern-window", f"expected ', sliding', found {tokens.shown()}", hint)
        tokens.expect(")", "to close the window")
        return int(length)

    def _name_of(self, kind: TokenKind, expected: str) -> str:
        if self._tokens.token.kind != kind:
            raise self._unlike(expected)
        return str(self._tokens.advance().value)

    def _word(self, word: str) -> None:
        if self._tokens.word() != word:
            raise self._unlike(f"'{word}'")
        self._tokens.advance()

    def _unlike(self, expected: str) -> StatementUnreadable:
        message = f"expected {expected}, found {self._tokens.shown()}"
        return self._tokens.unreadable("grl-syntax", message, f"an event is bound so: {BINDING}")

    # Operands

    def _gathered(self, node: Expression, stand_ins: list[StandIn]) -> Expression:
        """The condition with its pattern; whatever is wrong with that is reported."""
        places = {id(stand_in) for stand_in, _ in stand_ins}
        operands = node.operands if isinstance(node, And) else (node,)
        bindings = tuple(binding for _, binding in stand_ins)
        if len(stand_ins) != sum(id(operand) in places for operand in operands):
            message = "an event is bound between the outermost '&&' of a condition, and this one has '||'"
            self._problem(bindings[0], "pattern-place", message, "write a rule for each alternative")
            return Literal(True, span=node.span)
        self._check(bindings)
        streams = {binding.name: binding.stream for binding in bindings}
        before: list[Expression] = []
        about: list[Expression] = []
        for operand in operands:
            if id(operand) in places:
                continue
            bound = self._bound(operand, streams)
            names = {part.name for part in walk(bound) if isinstance(part, Bound)}
            absences = [binding.name for binding in bindings if binding.absent and binding.name in names]
            if len(absences) > 1:
                message = f"this is about two absences, {absences[0]} and {absences[1]}, and can belong to one only"
                self._problem(operand, "pattern-absence", message, "compare each with an event that is there")
            (about if names else before).append(bound)
        pattern = Pattern(bindings, tuple(about), span=bindings[0].span)
        return And((*before, pattern), span=node.span) if before else pattern

    def _check(self, bindings: tuple[Binding, ...]) -> None:
        names: set[str] = set()
        for binding in bindings:
            if binding.name in names:
                self._problem(binding, "pattern-name", f"'{binding.name}' is bound already", "give it another name")
            names.add(binding.name)
            if binding.stream != bindings[0].stream:
                message = f"'{bindings[0].name}' is of stream '{bindings[0].stream}', this one of '{binding.stream}'"
                self._problem(binding, "pattern-stream", message, "a rule is about the events of one stream")
        if all(binding.absent for binding in bindings):
            hint = "bind one without 'not', too"
            self._problem(bindings[0], "pattern-absence", "a pattern is about at least one event that is there", hint)
        if len(bindings) > MAX_BINDINGS:
            message = f"a rule binds at most {MAX_BINDINGS} events"
            self._problem(bindings[MAX_BINDINGS], "pattern-too-large", message, "Count and exists ask for any number")

    def _bound(self, node: Expression, streams: dict[str, str]) -> Expression:
        if not isinstance(node, Path):
            return changed(node, lambda operand: self._bound(operand, streams))
        if node.fact not in streams:
            return node
        if not node.steps or not isinstance(node.steps[0], str):
            self._problem(node, "pattern-name", f"'{node.fact}' is an event", f"name a field of it: {node.fact}.amount")
            return Literal(None, span=node.span)
        return Bound(node.fact, streams[node.fact], node.steps, span=node.span)

    def _problem(self, node: Node, code: str, message: str, hint: str) -> None:
        if node.span is not None:
            self._tokens.source.report_at(node.span, code, message, hint)
