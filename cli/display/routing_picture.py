"""The ratios of the routing demo as a picture.  workers.demo.claims -> [routing_picture] -> SVG

Needs pygal, of the extra `demo`. One pair of bars a comparison: what was measured, and what is claimed."""

import pygal

from gateway.console.pictures import chart
from workers.demo.claims import RoutingReport


def routing_picture(report: RoutingReport) -> bytes:
    """The picture, as a file that needs nothing else: no script, no font."""
    rows = report.rows()[::-1]
    drawn = chart(
        pygal.HorizontalBar,
        title="Specialised nodes: how many times as fast, and how many times the CPU",
        style={"background": "white", "plot_background": "white"},
        width=900,
        height=60 + 75 * len(rows),
        print_values=True,
        value_formatter=lambda ratio: f"{ratio:.2f} x",
    )
    drawn.x_labels = [row.what for row in rows]
    drawn.add("claimed", [row.claimed for row in rows])
    drawn.add(f"measured, {report.cores} cores", [row.ratio for row in rows])
    return bytes(drawn.render())
