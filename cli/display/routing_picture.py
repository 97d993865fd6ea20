"""The ratios of the routing demo as a picture.  workers.demo.claims -> [routing_picture] -> SVG

Needs pygal, of the extra `demo`. One pair of bars a comparison: what was measured, and what is claimed."""

import sys
from xml.etree.ElementTree import Element

import pygal
from pygal.style import CleanStyle

from workers.demo.claims import RoutingReport

# pygal looks for maps, of which there are none here, at each later import, and in a way that makes Python warn of it.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]


def routing_picture(report: RoutingReport) -> bytes:
    """The picture, as a file that needs nothing else: no script, no font."""
    rows = report.rows()[::-1]
    chart = pygal.HorizontalBar(
        title="Specialised nodes: how many times as fast, and how many times the CPU",
        style=CleanStyle(font_family="sans-serif", background="white", plot_background="white"),
        # Scripts are for charts that are pointed at, and come from somebody else's server.
        js=(),
        width=900,
        height=60 + 75 * len(rows),
        print_values=True,
        value_formatter=lambda ratio: f"{ratio:.2f} x",
        legend_at_bottom=True,
        truncate_label=-1,
        truncate_legend=-1,
    )
    chart.add_xml_filter(_without_scripts)
    chart.x_labels = [row.what for row in rows]
    chart.add("claimed", [row.claimed for row in rows])
    chart.add(f"measured, {report.cores} cores", [row.ratio for row in rows])
    return bytes(chart.render())


def _without_scripts(root: Element) -> Element:
    """The chart without the settings of its scripts, which no option leaves out."""
    for parent in list(root.iter()):
        for script in parent.findall("script"):
            parent.remove(script)
    return root
