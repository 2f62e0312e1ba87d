"""Charts for a notebook's text, where nothing has to move (bokeh)."""

from __future__ import annotations

from collections.abc import Mapping

from bokeh.embed import file_html
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure
from bokeh.resources import INLINE

BLUE, INK, QUIET = "#0072B2", "#14191f", "#5f6b77"


def hops_chart(counted: Mapping[int, int], *, title: str = "Hops of a lookup") -> figure:
    """Bars of how often each number of hops was taken, in percent, with the count as a label."""
    counts = sorted(counted)
    total = sum(counted.values()) or 1
    source = ColumnDataSource(
        {
            "hops": counts,
            "share": [100 * counted[count] / total for count in counts],
            "label": [f"{100 * counted[count] / total:.0f} %" for count in counts],
        }
    )
    top = 1.15 * 100 * max(counted.values(), default=1) / total
    plot = figure(
        title=title, width=560, height=280, y_range=Range1d(start=0, end=top), toolbar_location=None, tools=""
    )
    plot.vbar(x="hops", top="share", width=0.7, source=source, color=BLUE)
    plot.text(
        x="hops", y="share", text="label", source=source, text_align="center", text_color=INK, text_font_size="13px"
    )
    plot.xaxis.axis_label, plot.yaxis.axis_label = "hops", "lookups, percent"
    plot.xaxis.ticker = counts
    plot.xgrid.grid_line_color = None
    for axis in (plot.xaxis, plot.yaxis):
        axis.axis_label_text_color = QUIET
        axis.axis_label_text_font_style = "normal"
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "13px"
    return plot


def as_html(plot: figure, title: str) -> str:
    """The chart as one HTML page that needs no network: its script is inside."""
    page: str = file_html(plot, INLINE, title)
    return page
