"""Write a GRL file the one way that all are written.  parser, printer -> [formatter] -> `rulefarm rules format`

The rules mean the same afterwards, and every comment is still there: it stands before the line of the rule, condition
or action that it stood before, or after the one that it stood behind. What comes out is read again before it is given
back; should a rule or a comment differ, the file is refused instead."""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.errors import EngineError, RulesetRejected
from engine.language.lexer import Comment, comments, tokens
from engine.language.nodes import And, Binding, Expression, Node, Not, Or, Quantifier, Rule
from engine.language.parser import read_rules
from engine.language.printer import MAX_LINE, clauses, head_words, print_action, print_clause, print_expression
from engine.language.source import Source, open_source
from engine.language.traversal import pattern_of, walk

_INDENT = "    "
#: Characters of a line within `when` and `then`, which stand two indents in: 110 columns in all.
_WIDTH = 102
_WORDS = ("rule", "when", "then")
#: What stays on one line: an operand with the operator before it; the spaces of a text are no place to break.
_PIECE = re.compile(r'(?:(?:[-+*/%<>=!&|]+|in|contains|startsWith|endsWith|matches) )?(?:"(?:[^"\\]|\\.)*"|[^" ])+')


@dataclass(slots=True)
class _Anchor:
    """Something that comments stand before or behind."""

    offset: int
    before: list[tuple[str, bool]] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    def lines(self, text: Sequence[str], indent: str) -> Iterator[str]:
        """The lines of its text, with its comments around them."""
        for comment, _ in self.before:
            yield indent + comment
        if len(text) == 1:
            yield "  ".join([indent + text[0], *self.behind])
            return
        # Behind which of several lines a comment belongs would be another question the next time.
        yield from (indent + line for line in (*self.behind, *text))


@dataclass(slots=True)
class _Outline:
    """Where the parts of one rule stand."""

    head: _Anchor
    when: _Anchor
    operands: list[_Anchor]
    then: _Anchor
    actions: list[_Anchor]
    end: _Anchor

    @property
    def anchors(self) -> list[_Anchor]:
        return [self.head, self.when, *self.operands, self.then, *self.actions, self.end]


def format_rules(
    text: str | bytes, source: str = "rules.grl", list_facts: Iterable[str] | None = None, calls: Iterable[str] = ()
) -> str:
    """A GRL file in canonical form.

    Args:
        text: its content; bytes have to be UTF-8.
        source: name for the diagnostics; default `rules.grl`.
        list_facts: names of the facts that are lists; None: the first fact in a quantifier is taken for its list.
        calls: names of the calls that rules may make; default: there are none.

    Returns:
        The same rules and comments; formatting it again changes nothing.

    Raises:
        RulesetRejected: something is wrong with the text; every problem is in it.
        EngineError: `format-refused`: a comment stands where it can't be kept.

    >>> print(format_rules('rule R{when A.b>1 // why\\nthen Reject( );}'), end="")
    rule "R" {
        when A.b > 1  // why
        then Reject();
    }
    """
    opened, rules = _read(text, source, list_facts, calls)
    outlines = _outlines(opened, rules)
    last = _Anchor(len(opened.text))
    _attach(opened, [anchor for outline in outlines for anchor in outline.anchors] + [last])
    blocks = [list(_rule(rule, outline)) for rule, outline in zip(rules, outlines, strict=True)]
    if last.before:
        blocks.append(_leading(last)[: -1 if last.before[-1][1] else None])
    written = "\n".join("\n".join(block) + "\n" for block in blocks)
    again, reread = _read(written, source, list_facts, calls)
    if reread != rules or _comment_counts(again) != _comment_counts(opened):
        raise EngineError("format-refused", f"{source} can't be formatted without changing a rule or losing a comment")
    return written


def _read(
    text: str | bytes, name: str, list_facts: Iterable[str] | None, calls: Iterable[str]
) -> tuple[Source, tuple[Rule, ...]]:
    source, readable = open_source(name, text)
    rules = read_rules(source, list_facts, calls) if readable else ()
    if any(diagnostic.severity == "error" for diagnostic in source.diagnostics):
        raise RulesetRejected(source.sorted_diagnostics())
    return source, rules


def _comment_counts(source: Source) -> Counter[str]:
    return Counter(" ".join(comment.text.split()) for comment in comments(source))


# Where things stand


def _outlines(source: Source, rules: Sequence[Rule]) -> list[_Outline]:
    """The outline of every rule."""
    starts = [0]
    for line in source.text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    outlines: list[_Outline] = []
    words: dict[str, int] = {}
    dotted = False
    for token, after in itertools.pairwise(tokens(source)):
        word = str(token.value).lower() if token.kind in ("name", "op") else ""
        # The first `rule`, `when` and `then` are words of the language; a later one is a name, as is one after a dot,
        # or `then` before one.
        is_name = dotted or (word == "then" and after.kind == "op")
        if word in ("{", "}") or (word in _WORDS and not is_name and (word == "rule" or "{" in words)):
            words.setdefault(word, token.start)
        dotted = word == "."
        if word == "}":
            rule = rules[len(outlines)]
            outlines.append(
                _Outline(
                    _Anchor(words["rule"]),
                    _Anchor(words["when"]),
                    [_Anchor(_start(operand, starts)) for operand in _operands(rule.condition)],
                    _Anchor(words["then"]),
                    [_Anchor(_offset(action, starts)) for action in rule.actions],
                    _Anchor(words["}"]),
                )
            )
            words = {}
    return outlines


def _operands(condition: Expression) -> Sequence[Expression | Binding]:
    """The operands of a condition in the order they were written in, which is lost where it has a pattern."""
    if pattern_of(condition) is None:
        return clauses(condition)
    return sorted(clauses(condition), key=_place)


def _place(node: Expression | Binding) -> tuple[int, int]:
    """Line and column where an operand begins."""
    parts = (node,) if isinstance(node, Binding) else walk(node)
    spans = [part.span for part in parts if part.span is not None]
    return min((span.line, span.column) for span in spans)


def _start(node: Expression | Binding, starts: Sequence[int]) -> int:
    line, column = _place(node)
    return starts[line - 1] + column - 1


def _offset(node: Node, starts: Sequence[int]) -> int:
    return 0 if node.span is None else starts[node.span.line - 1] + node.span.column - 1


def _attach(source: Source, anchors: Sequence[_Anchor]) -> None:
    """Give every comment to what it stands behind on its line, or else to what comes after it."""
    offsets = [anchor.offset for anchor in anchors]
    for comment in comments(source):
        line = source.text.rfind("\n", 0, comment.start) + 1
        place = bisect_right(offsets, comment.start) - 1
        if place >= 0 and offsets[place] >= line and "\n" not in comment.text:
            anchors[place].behind.append(comment.text.rstrip())
        else:
            after = anchors[bisect_left(offsets, comment.start)]
            after.before.append((_trimmed(comment), _gap(source.text, comment.end)))


def _trimmed(comment: Comment) -> str:
    return "\n".join(line.rstrip() for line in comment.text.split("\n"))


def _gap(text: str, end: int) -> bool:
    """Whether a blank line follows."""
    rest = text[end : end + 1_000]
    return rest[: len(rest) - len(rest.lstrip())].count("\n") > 1


# How they are written


def _rule(rule: Rule, outline: _Outline) -> Iterator[str]:
    yield from _leading(outline.head)
    yield from _Anchor(outline.head.offset, [], outline.head.behind).lines(_head(rule), "")
    yield from _part("when", outline.when, _condition(rule.condition, outline.operands))
    actions = [
        (_filled(f"{print_action(action)};", _WIDTH), anchor)
        for action, anchor in zip(rule.actions, outline.actions, strict=True)
    ]
    yield from _part("then", outline.then, actions)
    yield from outline.end.lines(["}"], "")


def _head(rule: Rule) -> list[str]:
    words = head_words(rule)
    names = 3 if rule.description else 2
    attributes = " ".join(words[names:])
    name = " ".join(words[:names])
    if not attributes or len(name) + len(attributes) < MAX_LINE:
        return [f"{name} {attributes}".rstrip() + " {"]
    return [name, f"{_INDENT}{attributes} {{"]


def _leading(anchor: _Anchor) -> list[str]:
    """Comments before a rule, which keep the blank lines between them."""
    return [line for comment, gap in anchor.before for line in ([comment, ""] if gap else [comment])]


def _part(word: str, anchor: _Anchor, items: Sequence[tuple[Sequence[str], _Anchor]]) -> Iterator[str]:
    """`when` or `then` and what follows: on the same line, when it is one line."""
    lines, first = items[0]
    if len(items) == 1 and len(lines) == 1 and not first.before and not anchor.behind:
        both = _Anchor(anchor.offset, anchor.before, first.behind)
        yield from both.lines([f"{word} {lines[0]}"], _INDENT)
        return
    yield from anchor.lines([word], _INDENT)
    for text, item in items:
        yield from item.lines(text, 2 * _INDENT)


def _condition(condition: Expression, anchors: Sequence[_Anchor]) -> list[tuple[Sequence[str], _Anchor]]:
    """The condition, with the operands on lines of their own when it is long or has comments within."""
    within = any(anchor.before for anchor in anchors[1:]) or any(anchor.behind for anchor in anchors[:-1])
    whole = print_expression(condition)
    if len(clauses(condition)) == 1 or (len(whole) <= MAX_LINE and not within):
        joined = _Anchor(anchors[0].offset, anchors[0].before, anchors[-1].behind)
        return [(_fitted(condition, _WIDTH), joined)]
    return [(lines, anchor) for lines, anchor in zip(_broken(condition, _WIDTH), anchors, strict=True)]


def _broken(node: Expression, width: int) -> Iterator[list[str]]:
    """The operands, each with its operator before it."""
    sign = "||" if isinstance(node, Or) else "&&"
    for position, operand in enumerate(_operands(node)):
        wrap = isinstance(operand, Or) or (isinstance(operand, And) and sign == "&&")
        room = width - len(f"{sign} ") * (position > 0)
        if isinstance(operand, Binding):
            lines = _filled(print_clause(operand), room)
        else:
            lines = _wrapped("(", operand, room) if wrap else _fitted(operand, room)
        yield [f"{sign} {lines[0]}", *lines[1:]] if position else lines


def _fitted(node: Expression, width: int) -> list[str]:
    """An expression in lines that are not too long, where its form has places to break."""
    whole = print_expression(node)
    if len(whole) <= width:
        return [whole]
    match node:
        case And() | Or():
            return [line for lines in _broken(node, width) for line in lines]
        case Not(And() | Or() as operand):
            return _wrapped("!(", operand, width)
        case Not(Quantifier() as operand):
            first, *others = _fitted(operand, width - 1)
            return [f"!{first}", *others]
        case Quantifier(kind, _, And() | Or() as operand):
            return _wrapped(f"{kind}(", operand, width)
        case _:
            return _filled(whole, width)


def _wrapped(opening: str, node: Expression, width: int) -> list[str]:
    whole = print_expression(node)
    if len(opening) + len(whole) < width:
        return [f"{opening}{whole})"]
    return [opening, *(_INDENT + line for line in _fitted(node, width - len(_INDENT))), ")"]


def _filled(text: str, width: int) -> list[str]:
    """Canonical GRL in lines as full as they get, each but the first further in."""
    lines: list[str] = []
    for piece in _PIECE.findall(text):
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(_INDENT + piece if lines else piece)
    return lines
