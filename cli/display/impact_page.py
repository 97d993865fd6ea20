"""What a draft does to facts, as one page of HTML.  ImpactReport -> [impact_page] -> a file

Tables and plots for whoever has to say yes to a change: readable without a network, without scripts, and by print. All
text is escaped here, whatever it was made of: rules, reasons and facts come from outside. Holds no facts of an example
but the values that its explanation names. Counts nothing itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

import svg

from cli.display.instants import to_minute
from rulefarm.escaping import visible
from rulesets.flips import OUTCOMES
from workers.impact_report import ImpactReport, by_count, cause_words, shown

#: Rules and causes that a page shows.
_RULES, _CAUSES = 40, 100
#: Of plots, in the units of their view box: width, width of the names, height of a row.
_WIDTH, _NAMES, _ROW = 720, 260, 22
#: Characters of a name beside a bar.
_NAME = 38
_COLOURS = {"accept": "#2e8b57", "review": "#c98a00", "reject": "#c0392b", "error": "#8e44ad"}
_BEFORE, _AFTER = "#7f8c8d", "#2c6fbb"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.same { color: #888; }
.broken { color: #c0392b; font-weight: bold; }
svg text { font: 12px system-ui, sans-serif; fill: #222; }
code, li { overflow-wrap: anywhere; }
"""


def impact_page(report: ImpactReport, *, at: datetime) -> str:
    """The page.

    Args:
        report: what there is to say.
        at: when it was found out.
    """
    title = f"Impact of a draft on {report.versions.domain}"
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(report.headline)}, found out on {to_minute(at, zone=True)}.</p>",
        f"<p><strong>{_text(report.summary)}</strong></p>",
        *_budget(report),
        "<h2>Outcomes</h2>",
        _matrix(report),
        _outcome_plot(report),
    ]
    if report.impact.causes:
        parts += ["<h2>Rules</h2>", _rule_plot(report), "<h2>Causes</h2>", _causes(report)]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{chr(10).join(parts)}\n</body></html>\n"
    )


def _text(text: str) -> str:
    """Text as HTML: neither markup nor characters that can't be seen."""
    return escape(visible(text))


def _budget(report: ImpactReport) -> list[str]:
    if report.budget is None:
        return []
    if not report.broken:
        return [f"<p>Within the budget {_text(report.budget)}.</p>"]
    return ["<ul>", *(f'<li class="broken">over budget: {_text(limit)}</li>' for limit in report.broken), "</ul>"]


def _matrix(report: ImpactReport) -> str:
    """Which outcomes became which, with the sums of what flips."""
    rows = []
    for before in OUTCOMES:
        cells = [f"<th>{before}</th>"]
        for after in OUTCOMES:
            count = report.impact.matrix.get((before, after), 0)
            more = ""
            if report.summed is not None and before != after and count:
                more = f"<br>{shown(report.impact.sum_of(before, after)[0])}"
            cells.append(f'<td class="n{" same" if before == after else ""}">{count:,}{more}</td>')
        rows.append("".join(cells))
    return _table(["before \\ after", *OUTCOMES], rows)


def _causes(report: ImpactReport) -> str:
    causes = by_count(report.impact)
    rows = []
    for cause, one in causes[:_CAUSES]:
        told = "".join(f"<li>{_text(sentence)}</li>" for sentence in report.told.get(cause, ()))
        subject = f"{_text(one.example.subject)}" if one.example is not None else ""
        total = f'<td class="n">{shown(one.sum)}</td>' if report.summed is not None else ""
        rows.append(
            f'<td>{cause.before} → {cause.after}</td><td class="n">{one.count:,}</td>{total}'
            f"<td>{_text(cause_words(cause))}</td><td>{subject}{f'<ul>{told}</ul>' if told else ''}</td>"
        )
    sums = [f"{report.summed}"] if report.summed is not None else []
    left = len(causes) - _CAUSES
    more = f"<p>And {left:,} more causes.</p>" if left > 0 else ""
    return _table(["outcome", "how many", *sums, "whose doing", "for example"], rows) + more


def _table(headers: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{_text(header)}</th>" for header in headers)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _outcome_plot(report: ImpactReport) -> str:
    """How many have each outcome, before and after."""
    matrix = report.impact.matrix
    bars = []
    for outcome in OUTCOMES:
        was = sum(count for (before, _), count in matrix.items() if before == outcome)
        now = sum(count for (_, after), count in matrix.items() if after == outcome)
        bars += [(f"{outcome} before", was, _BEFORE), (f"{outcome} after", now, _COLOURS[outcome])]
    return _bars(bars)


def _rule_plot(report: ImpactReport) -> str:
    """How many flip by each rule."""
    bars = []
    for name, (no_longer, now) in list(report.impact.blamed().items())[:_RULES]:
        if no_longer:
            bars.append((f"{name}, no longer", no_longer, _BEFORE))
        if now:
            bars.append((f"{name}, now", now, _AFTER))
    return _bars(bars)


def _bars(bars: Sequence[tuple[str, int, str]]) -> str:
    """A bar for each name, as long as its count."""
    most = max((count for _, count, _ in bars), default=0) or 1
    room = _WIDTH - _NAMES - 90
    elements: list[svg.Element] = []
    for place, (name, count, colour) in enumerate(bars):
        y, length = place * _ROW, round(room * count / most, 1)
        whole = visible(name)
        short = whole if len(whole) <= _NAME else f"{whole[:_NAME]}…"
        elements += [
            svg.Text(x=_NAMES - 8, y=y + 15, text_anchor="end", text=escape(short)),
            svg.Rect(x=_NAMES, y=y + 3, width=length, height=_ROW - 6, fill=colour),
            svg.Text(x=_NAMES + length + 6, y=y + 15, text=f"{count:,}"),
        ]
    height = max(1, len(bars)) * _ROW
    return svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, _WIDTH, height), width=_WIDTH, height=height, elements=elements
    ).as_str()
