"""One text to be read, and the places in it.  diagnostics -> [source] -> lexer, parser, tables, ruleset

Takes what the caller gave for one file (text, or bytes that have to be UTF-8), gives positions as spans and collects
diagnostics. It opens no file. A cell of a table is a source too: its places are those of the cell in the table."""

from bisect import bisect_right

from engine.diagnostics import Diagnostic, Severity, Span

#: Ten thousand written-out rules are three quarters of it; a text made to fill memory gets no further.
MAX_SOURCE_CHARACTERS = 4_000_000
#: Errors, and warnings, of one source. Nobody mends more than this before the next try, and each one costs memory.
MAX_PROBLEMS = 100


class TooManyProblems(Exception):
    """This source has too many problems; the rest of it is left unread."""


class Source:
    """The text of one file.

    Args:
        name: as the caller calls the file.
        text: its content.
        at: where the text begins, when it is a part of a file; default: it is the whole file.
        line: the line of the file that the part stands on.
    """

    def __init__(self, name: str, text: str, at: Span | None = None, line: str = "") -> None:
        self.name = name
        self.text = text
        #: The problems reported so far, in their order.
        self.diagnostics: list[Diagnostic] = []
        self._reported: set[tuple[str, Span, str]] = set()
        #: Offsets of problems, and of what follows from them.
        self._marked: set[int] = set()
        #: Lines and columns of what was reported while it was read.
        self._misread: set[tuple[int, int]] = set()
        self._met: set[str] = set()
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0}
        self._at = at
        self._line = line
        self._starts = [0]
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def is_first(self, mistake: str) -> bool:
        """Whether a mistake that a file makes all over is met for the first time."""
        first = mistake not in self._met
        self._met.add(mistake)
        return first

    def mark(self, offset: int) -> None:
        """Say that whatever is wrong at an offset follows from a problem that was reported."""
        self._marked.add(offset)

    def is_marked(self, offset: int) -> bool:
        """Whether a problem at an offset was reported, or follows from one."""
        return offset in self._marked

    def is_misread(self, span: Span) -> bool:
        """Whether what stands at a place was reported while it was read: what it was taken for is a guess."""
        return (span.line, span.column) in self._misread

    def follows_marked(self, offset: int) -> bool:
        """Whether nothing but blanks stands between an offset and something that is marked."""
        end = offset
        while end > 0 and self.text[end - 1].isspace():
            end -= 1
        return self.is_marked(end)

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`; of its first line, when it has several.

        Args:
            start: offset of the first character, from 0.
            end: offset behind the last one; a place is at least one character long.
        """
        if self._at is not None:
            return Span(self.name, self._at.line, self._at.column + start, max(1, end - start))
        row, begin, stop = self.line_at(start)
        return Span(self.name, row, start - begin + 1, max(1, min(end, stop) - start))

    def line_at(self, offset: int) -> tuple[int, int, int]:
        """The line that an offset is in: its number from 1, and the offsets where it begins and ends."""
        row = bisect_right(self._starts, offset)
        stop = self._starts[row] - 1 if row < len(self._starts) else len(self.text)
        return row, self._starts[row - 1], stop

    def line(self, number: int) -> str:
        """The text of one line (from 1), without its line end."""
        if self._at is not None:
            return self._line
        if number > len(self._starts):
            return ""
        begin = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[begin:end].rstrip("\r")

    def sorted_diagnostics(self) -> list[Diagnostic]:
        """The problems from top to bottom."""
        return sorted(self.diagnostics, key=_place)

    def report(
        self, code: str, start: int, end: int, message: str, hint: str = "", severity: Severity = "error"
    ) -> None:
        """Add a diagnostic about `text[start:end]`.

        Args:
            code: of the diagnostic.
            start: offset of the first character, from 0.
            end: offset behind the last one.
            message: one sentence, no full stop.
            hint: what to do about it; default: none.
            severity: default `error`.

        Raises:
            TooManyProblems: it is an error, and one too many.
        """
        span = self.span(start, end)
        if severity == "error":
            self._marked.add(start)
            self._misread.add((span.line, span.column))
        self.report_at(span, code, message, hint, severity)

    def report_at(self, span: Span, code: str, message: str, hint: str = "", severity: Severity = "error") -> None:
        """Add a diagnostic about a place that a node of this source kept; the second time, nothing.

        Args:
            span: of the node.
            code: of the diagnostic.
            message: one sentence, no full stop.
            hint: what to do about it; default: none.
            severity: default `error`.

        Raises:
            TooManyProblems: it is an error, and one too many.
        """
        # A header of a table stands in every rule of it, and is wrong once.
        if (code, span, message) in self._reported:
            return
        self._counts[severity] += 1
        if self._counts[severity] <= MAX_PROBLEMS:
            self._reported.add((code, span, message))
            self.diagnostics.append(Diagnostic(code, severity, span, message, hint, self.line(span.line)))
        elif self._counts[severity] == MAX_PROBLEMS + 1:
            rest = "the rest of the file was not read" if severity == "error" else "the others are not shown"
            message = f"more than {MAX_PROBLEMS} {severity}s, {rest}"
            self.diagnostics.append(Diagnostic("too-many-problems", severity, span, message))
        # Odd rules are rules all the same: no number of warnings may keep one from being read.
        if severity == "error" and self._counts[severity] > MAX_PROBLEMS:
            raise TooManyProblems


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    return (diagnostic.span.line, diagnostic.span.column) if diagnostic.span else (0, 0)


def open_source(name: str, content: str | bytes) -> tuple[Source, bool]:
    """Make a source of what the caller gave.

    Args:
        name: as the caller calls the file.
        content: text, or bytes in UTF-8; a byte order mark is dropped.

    Returns:
        The source, and whether it is fit to be read; if not, its diagnostics say why.
    """
    if len(content) > MAX_SOURCE_CHARACTERS:
        source = Source(name, "")
        source.report("source-too-large", 0, 1, f"a file has at most {MAX_SOURCE_CHARACTERS:,} characters")
        return source, False
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    try:
        return Source(name, data.decode("utf-8").removeprefix("\ufeff")), True
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8", "replace"))
        before = len(data[: error.start].decode("utf-8", "replace"))
        source.report("source-not-utf8", before, before + 1, "the file is not UTF-8", "save it as UTF-8")
        return source, False
