"""Read the condition of a rule, with the bindings of its pattern.  expression_parser -> [condition_parser] -> parser

`a: Payment from stream("payments") over window(10 min, sliding)` stands between the outermost `&&` of a condition and
nowhere else. The operands that name a binding are gathered with the bindings in one `Pattern`, whichever of them stood
first; all others stay what they are. The words of a binding are names everywhere else. Which streams there are is not
known here (`engine.checks.event_checks` does)."""

from collections.abc import Iterable
from decimal import Decimal

from engine.language.expression_parser import ExpressionParser
from engine.language.keywords import BINDING, RESERVED
from engine.language.lexer import TokenKind
from engine.language.nodes import And, Binding, Bound, Expression, Literal, Node, Path, Pattern
from engine.language.source import Source
from engine.language.token_stream import StatementUnreadable
from engine.language.traversal import changed, walk
from engine.values import MAX_WINDOW_DAYS, MAX_WINDOW_S, unit_seconds

#: Of one rule, absences included. Every further one is a loop over the window within the loops of the others.
MAX_BINDINGS = 4


class ConditionParser(ExpressionParser):
    """A cursor that reads conditions."""

    def __init__(self, source: Source, list_facts: Iterable[str] | None = None) -> None:
        super().__init__(source, list_facts)
        #: The bindings of the condition at hand, each with what stands for it among the operands; None: it has none.
        self._bindings: list[tuple[Literal, Binding]] | None = None

    def condition(self) -> Expression:
        """Read the whole condition of a rule.

        Raises:
            Slip: there is none, and why is reported.
        """
        self._bindings = []
        try:
            node = self.expression()
            return self._gathered(node) if self._bindings else node
        finally:
            self._bindings = None

    def _comparison(self) -> Expression:
        # Deeper stands what is in parentheses, in a call or in a list.
        if self._bindings is not None and self._depth == 1 and self._at_binding():
            binding = self._binding()
            stand_in = Literal(True, span=binding.span)
            self._bindings.append((stand_in, binding))
            return stand_in
        return super()._comparison()

    def _at_binding(self) -> bool:
        if self.token.kind != "name":
            return False
        name = self.ahead(1) if self.word() == "not" else self.token
        colon = self.ahead(2) if self.word() == "not" else self.ahead(1)
        return name.kind == "name" and colon.kind == "op" and colon.value == ":"

    def _binding(self) -> Binding:
        start = self.token.start
        absent = self.ahead(1).value != ":"
        if absent:
            self.advance()
        if self.word() in RESERVED:
            raise self.slip("pattern-name", f"{self.found()} is a word of the language, and names no event")
        name = str(self.advance().value)
        self.expect(":", "after the name of an event")
        fact = self._name_of("name", "the name of a fact")
        self._word("from")
        self._word("stream")
        self.expect("(", "after 'stream'")
        stream = self._name_of("text", "the name of a stream in double quotes")
        self.expect(")", "after the name of the stream")
        self._word("over")
        self._word("window")
        window_s = self._window()
        return Binding(name, fact, stream, window_s, absent, span=self.span_from(start))

    def _window(self) -> int:
        self.expect("(", "after 'window'")
        start = self.token
        if not isinstance(start.value, Decimal):
            raise self._unlike("the length of the window")
        self.advance()
        unit = unit_seconds(self.word())
        if unit is None:
            hint = "units are s, min, h and d: window(10 min, sliding)"
            raise self.slip("pattern-window", f"expected a unit of time, found {self.found()}", hint)
        self.advance()
        length = start.value * unit
        if length != int(length) or not 1 <= length <= MAX_WINDOW_S:
            message = f"a window is 1 second to {MAX_WINDOW_DAYS} days long, in whole seconds"
            self.source.report("pattern-window", start.start, self.before.end, message)
            length = Decimal(1)
        if self.take(","):
            if self.word() == "tumbling":
                hint = "write sliding: the events that are at most so much older than the job"
                self.report_here("pattern-window", "tumbling windows are not in the language", hint)
                self.advance()
            else:
                self._word("sliding")
        else:
            hint = "sliding is the only kind there is: window(10 min, sliding)"
            raise self.slip("pattern-window", f"expected ', sliding', found {self.found()}", hint)
        self.expect(")", "to close the window")
        return int(length)

    def _name_of(self, kind: TokenKind, wanted: str) -> str:
        if self.token.kind != kind:
            raise self._unlike(wanted)
        return str(self.advance().value)

    def _word(self, word: str) -> None:
        if self.word() != word:
            raise self._unlike(f"'{word}'")
        self.advance()

    def _unlike(self, wanted: str) -> StatementUnreadable:
        return self.slip("grl-syntax", f"expected {wanted}, found {self.found()}", f"an event is bound so: {BINDING}")

    # Operands

    def _gathered(self, node: Expression) -> Expression:
        """The condition with its pattern; whatever is wrong with that is reported."""
        pairs = self._bindings or []
        stand_ins = {id(stand_in) for stand_in, _ in pairs}
        operands = node.operands if isinstance(node, And) else (node,)
        bindings = tuple(binding for _, binding in pairs)
        if len(pairs) != sum(id(operand) in stand_ins for operand in operands):
            message = "an event is bound between the outermost '&&' of a condition, and this one has '||'"
            self._problem(bindings[0], "pattern-place", message, "write a rule for each alternative")
            return Literal(True, span=node.span)
        self._check(bindings)
        streams = {binding.name: binding.stream for binding in bindings}
        before: list[Expression] = []
        about: list[Expression] = []
        for operand in operands:
            if id(operand) in stand_ins:
                continue
            bound = self._bound(operand, streams)
            names = {one.name for one in walk(bound) if isinstance(one, Bound)}
            absences = [binding.name for binding in bindings if binding.absent and binding.name in names]
            if len(absences) > 1:
                message = f"this is about two absences, {absences[0]} and {absences[1]}, and can belong to one only"
                self._problem(operand, "pattern-absence", message, "compare each with an event that is there")
            (about if names else before).append(bound)
        pattern = Pattern(bindings, tuple(about), span=bindings[0].span)
        return And((*before, pattern), span=node.span) if before else pattern

    def _check(self, bindings: tuple[Binding, ...]) -> None:
        known: set[str] = set()
        for binding in bindings:
            if binding.name in known:
                self._problem(binding, "pattern-name", f"'{binding.name}' is bound already", "give it another name")
            known.add(binding.name)
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

    def _problem(self, node: Node, code: str, message: str, hint: str = "") -> None:
        if node.span is not None:
            self.source.report_at(node.span, code, message, hint)
