"""The versions of a domain's rules: their text, who published them, what differs.  records -> [rule_versions] -> pages

A version is shown as it was published, whatever the engine of today makes of it; two are compared as they judge, which
needs both compiled."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from engine import TableCells
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import render
from gateway.console.versions import OFFERED, Line, RuleFile, shown_file
from gateway.gateway_context import check_query, query_number
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulesets.differences import Difference
from store.publication_trail import history
from store.ruleset_versions import recorded_versions
from store.schedules import pending_schedules

#: Lines of a file, or rows of a table, of one page; publications of one page.
_LINES, _PUBLICATIONS = 500, 50
#: Differences that are shown, and lines of one of them; of a longer text the rest is not compared.
_DIFFERENCES, _DIFFERENCE_LINES = 200, 200


@dataclass(frozen=True, slots=True)
class _FilePart:
    """What of a file one page shows."""

    #: Lines with their numbers; of a table none.
    lines: list[tuple[int, Line]]
    #: Tables with the rows that are shown; of rules none.
    tables: list[tuple[TableCells, Sequence[tuple[int, tuple[str, ...]]]]]
    #: The lines at which the parts before and after begin, if there are any.
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class _ShownDifference:
    """A difference with its lines: a sign and the text."""

    difference: Difference
    lines: list[tuple[str, str]]
    #: Whether there are more.
    is_cut: bool


async def version_text(context: ConsoleContext, request: Request) -> Response:
    """The text of a version, one file at a time: rules in colours, tables as tables.

    Args:
        context: of the console.
        request: with `file` and `line` in its query. Default: the first file with rules, from its beginning.

    Raises:
        NotFound: no such version, or file.
        RequestRefused: `line` is no number.
    """
    check_query(request, "file", "line")
    domain = request.path_params["domain"]
    digest = await context.run(partial(context.versions.digest, domain, request.path_params["digest"]))
    files = await context.run(partial(context.versions.files, domain, digest))
    asked, line = request.query_params.get("file", ""), query_number(request, "line", default=1, most=999_999)
    # Rules of a workbook name the sheet, too.
    source = next((name for name in files if asked == name or asked.startswith(f"{name}!")), None)
    if source is None:
        if asked or not files:
            raise NotFound("no-such-file", f"{digest[:12]} of {domain} has no file {asked!r}", "its page lists them")
        source = next((name for name in files if name.endswith(".grl")), next(iter(files)))
    shown = await context.run(partial(shown_file, source, files[source]))
    part = _part(shown, line, asked)

    def link(at: int | None) -> str | None:
        query = {"file": source, "line": at}
        return None if at is None else links.path("rules", domain, "versions", digest, query=query)

    active = await context.run(partial(active_digests, context.database))
    return render(
        request,
        "version.html",
        domain=domain,
        digest=digest,
        is_active=active.get(domain) == digest,
        files=[
            (
                name.rpartition("/")[2],
                links.path("rules", domain, "versions", digest, query={"file": name}),
                name == source,
            )
            for name in files
        ],
        shown=shown,
        part=part,
        before=link(part.before),
        after=link(part.after),
        diff=links.path("rules", domain, "diff", query={"before": active.get(domain), "after": digest}),
    )


async def publications(context: ConsoleContext, request: Request) -> Response:
    """Who made which version the active one, when and why, the newest first.

    Args:
        context: of the console.
        request: with `before`, the id of the last row of the page before, in its query.

    Raises:
        RequestRefused: `before` is no number.
    """
    check_query(request, "before")
    domain = request.path_params["domain"]
    before = query_number(request, "before", default=0, most=999_999) or None
    digest = await context.run(partial(context.versions.digest, domain))
    read = partial(history, context.database, domain, limit=_PUBLICATIONS + 1, before=before)
    found = await context.run(read)
    pending = {one.id for one in await context.run(partial(pending_schedules, context.database))}
    page = found[:_PUBLICATIONS]
    return render(
        request,
        "publications.html",
        domain=domain,
        digest=digest,
        publications=[
            (
                one,
                one.id in pending,
                links.path("rules", domain, "diff", query={"before": one.parent, "after": one.digest})
                if one.parent and one.parent != one.digest
                else "",
            )
            for one in page
        ],
        first=links.path("rules", domain, "history") if before else None,
        following=(
            links.path("rules", domain, "history", query={"before": page[-1].id})
            if len(found) > _PUBLICATIONS
            else None
        ),
    )


async def diff(context: ConsoleContext, request: Request) -> Response:
    """What one version has otherwise than another; without both, which there are to choose from.

    Args:
        context: of the console.
        request: with `before` and `after`, digests or beginnings of some, in its query.

    Raises:
        NotFound: no such version.
        RulesetUnreadable, engine.EngineError: the engine of today does not take one of them.
    """
    check_query(request, "before", "after")
    domain = request.path_params["domain"]
    active = await context.run(partial(context.versions.digest, domain))
    versions = await context.run(partial(recorded_versions, context.database, domain, limit=OFFERED))
    asked = [request.query_params.get(name, "").strip() for name in ("before", "after")]
    found: list[_ShownDifference] | None = None
    more = 0
    if all(asked):
        one, other = [await context.run(partial(context.versions.digest, domain, each)) for each in asked]
        asked = [one, other]
        found, more = await context.compute(partial(_compared, context, domain, one, other))
    return render(
        request,
        "diff.html",
        domain=domain,
        digest=active,
        versions=versions,
        before=asked[0] or active,
        after=asked[1],
        found=found,
        more=more,
    )


def _part(shown: RuleFile, line: int, asked: str) -> _FilePart:
    if not shown.tables:
        numbers: Sequence[int] = range(1, len(shown.lines) + 1)
        start = _start(numbers, line)
        numbered = list(zip(numbers, shown.lines, strict=True))[start : start + _LINES]
        return _FilePart(numbered, [], *_around(numbers, start))
    # A file of several tables is a workbook: of it the sheet that is asked for, or the first.
    table = next((one for one in shown.tables if one.source == asked), shown.tables[0])
    # A row may be several lines of its file, and above it stand a header and comments.
    numbers = [number for number, _ in table.rows]
    start = _start(numbers, line)
    return _FilePart([], [(table, table.rows[start : start + _LINES])], *_around(numbers, start))


def _start(numbers: Sequence[int], line: int) -> int:
    """Where the part begins in which a line stands."""
    place = min(bisect_left(numbers, line), len(numbers) - 1)
    return max(0, place) // _LINES * _LINES


def _around(numbers: Sequence[int], start: int) -> tuple[int | None, int | None]:
    """The first lines of the parts before and after."""
    before = numbers[start - _LINES] if start else None
    return before, numbers[start + _LINES] if start + _LINES < len(numbers) else None


def _compared(context: ConsoleContext, domain: str, before: str, after: str) -> tuple[list[_ShownDifference], int]:
    """What differs as it is shown, and how many differences are left out."""
    found = context.versions.differences(domain, before, after)
    return [_shown(each) for each in found[:_DIFFERENCES]], max(0, len(found) - _DIFFERENCES)


def _shown(found: Difference) -> _ShownDifference:
    if found.kind == "moved":
        return _ShownDifference(found, [], False)
    before, after = ((text or "").splitlines() for text in (found.before, found.after))
    # Lines that differ are not held against each other letter by letter: that would take as long as their number's
    # square, and a rule may be long.
    lines = list(unified_diff(before[:_DIFFERENCE_LINES], after[:_DIFFERENCE_LINES], n=_DIFFERENCE_LINES, lineterm=""))
    # What it begins with are names of files, and which lines follow.
    shown = [(line[0], line[1:]) for line in lines[3:]]
    return _ShownDifference(found, shown, max(len(before), len(after)) > _DIFFERENCE_LINES)
