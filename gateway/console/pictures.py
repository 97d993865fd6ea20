"""Charts as SVG that needs nothing else.  numbers -> [pictures] -> a file, or the address of a picture in a page

pygal draws; here is what keeps it quiet: its scripts, which would come from its makers, are left out, and it does not
meddle with later imports. Colours follow whether the reader likes it dark. What a chart shows stands beside it in a
table, for whoever can't see it: that is the page's part."""

import base64
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from pygal.style import CleanStyle

# pygal looks for maps, of which there are none here, at each later import, and in a way that makes Python warn of it.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

#: Colours of the outcomes, which are told apart by those who see no red or green, too.
OUTCOME_COLOURS = {"accept": "#2f8f83", "review": "#d59f0f", "reject": "#b3452c", "error": "#7b5ea7"}
#: Pixels of a chart, as a wide page shows it; and its letters, which are still read where it is shown on a phone.
_WIDTH = 480
_LETTERS = dict.fromkeys(("title_font_size", "legend_font_size", "label_font_size", "major_label_font_size"), 16)
#: Lines across a chart at most, so that there is room for their numbers.
_LINES = 6
#: Sparklines that are kept: many rules have the same. And pictures of batches, which are the same once one is done.
_KEPT = 512
_DARK = "inline:@media (prefers-color-scheme: dark) { svg text { fill: #ddd !important; } }"


def chart(kind: Any, *, style: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """An empty chart, to be added to.

    Args:
        kind: a class of pygal.
        style: settings of its style.
        options: what pygal takes.
    """
    made = kind(
        style=CleanStyle(
            **(
                {"font_family": "sans-serif", "background": "transparent", "plot_background": "transparent"}
                | dict(style or {})
            )
        ),
        # Scripts are for charts that are pointed at, and come from somebody else's server.
        js=(),
        legend_at_bottom=True,
        truncate_label=-1,
        truncate_legend=-1,
        **options,
    )
    made.add_xml_filter(_without_scripts)
    return made


def area_chart(series: Mapping[str, Sequence[float]], labels: Sequence[str], *, title: str) -> str:
    """Areas on top of each other, small, as the address of a picture.

    Args:
        series: numbers by the name of the area, as many as there are labels.
        labels: along the bottom; of many only a few are written.
        title: what it shows.
    """
    colours = tuple(OUTCOME_COLOURS.get(name, "#888888") for name in series)
    drawn = chart(
        pygal.StackedLine,
        style={"colors": colours, **_LETTERS},
        css=["file://style.css", "file://graph.css", _DARK],
        title=title,
        fill=True,
        show_dots=False,
        width=_WIDTH,
        height=260,
        x_labels_major_count=5,
        max_scale=_LINES,
        show_minor_x_labels=False,
    )
    drawn.x_labels = labels
    for name, numbers in series.items():
        drawn.add(name, list(numbers))
    return data_address(drawn.render())


def bar_chart(numbers: Mapping[str, float], *, title: str) -> str:
    """Bars side by side, small, as the address of a picture.

    Args:
        numbers: by the name of the bar.
        title: what it shows.
    """
    return _bars(tuple(numbers.items()), title)


@lru_cache(_KEPT)
def _bars(numbers: tuple[tuple[str, float], ...], title: str) -> str:
    colours = tuple(OUTCOME_COLOURS.get(name, "#888888") for name, _ in numbers)
    drawn = chart(
        pygal.HorizontalBar,
        style={"colors": colours, **_LETTERS},
        css=["file://style.css", "file://graph.css", _DARK],
        title=title,
        width=_WIDTH,
        height=260,
        max_scale=_LINES,
    )
    for name, number in numbers:
        drawn.add(name, number)
    return data_address(drawn.render())


def data_address(svg: bytes) -> str:
    """An SVG as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


@lru_cache(_KEPT)
def sparkline(numbers: tuple[int, ...]) -> bytes:
    """Numbers as a line of the height of a text.

    Args:
        numbers: from 0 to 100, the oldest first.
    """
    drawn = chart(
        pygal.Line,
        style={"colors": ("#2f7f9f",)},
        css=["file://style.css", "file://graph.css"],
        width=140,
        height=28,
        explicit_size=True,
        margin=2,
        spacing=0,
        fill=True,
        show_dots=False,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        show_y_guides=False,
        range=(0, 100),
    )
    drawn.add("", list(numbers))
    made: bytes = drawn.render()
    return made


def day_chart(numbers: Sequence[int], labels: Sequence[str], *, title: str) -> str:
    """A bar for each day, as the address of a picture.

    Args:
        numbers: the oldest first.
        labels: along the bottom; only a few are written.
        title: what it shows.
    """
    drawn = chart(
        pygal.Bar,
        style={"colors": ("#2f7f9f",), **_LETTERS},
        css=["file://style.css", "file://graph.css", _DARK],
        title=title,
        width=_WIDTH,
        height=220,
        show_legend=False,
        x_labels_major_count=5,
        max_scale=_LINES,
        show_minor_x_labels=False,
    )
    drawn.x_labels = labels
    drawn.add("", list(numbers))
    return data_address(drawn.render())


def _without_scripts(root: Element) -> Element:
    """The chart without the settings of its scripts, which no option leaves out."""
    for parent in list(root.iter()):
        for script in parent.findall("script"):
            parent.remove(script)
    return root
