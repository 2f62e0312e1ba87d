"""A picture made of markup, as a widget: Python says what is drawn, ``figure.js`` draws it.

A skeleton has slots, ``ground``, ``story`` and ``head``; only what changed is swapped. What keeps a state of its own in
the browser (a search box, an opened list) belongs into the skeleton, which stays.
"""

from __future__ import annotations

from importlib.resources import files

import anywidget
import traitlets as t

from lab import labels, plots

RING_SKELETON = (
    '<div class="picture"><svg data-size="box" data-named="1" role="group"><g data-layer="ground"></g>'
    '<path class="reach" d="M0 0"></path><g data-layer="story"></g></svg></div>'
)
LANES_SKELETON = (
    '<div class="picture"><svg data-size="top" aria-hidden="true"><g data-layer="head"></g></svg>'
    '<div class="scroll" tabindex="0" role="group" aria-label="messages"><svg data-size="box" data-named="1" '
    'role="group"><g data-layer="story"></g></svg></div></div>'
)
PLAIN_SKELETON = '<div class="picture" data-layer="story"></div>'
DEFENCES_SKELETON = (
    '<div class="def" data-layer="story"></div><details class="rest"><summary><span data-layer="head"></span></summary>'
    f'<input type="search" class="find" data-find="1" placeholder="{labels.FIND}" aria-label="{labels.FIND_DEFENCE}">'
    '<div class="def" data-layer="ground"></div></details>'
)

TWIN_SKELETON = (
    '<details class="twin"><summary><span data-layer="head"></span></summary><div data-layer="story"></div></details>'
)


class Figure(anywidget.AnyWidget):
    """A picture made of markup; ``figure.js`` swaps its layers and sends clicks, keys and its width back."""

    _esm = files("lab").joinpath("figure.js").read_text(encoding="utf-8")
    skeleton = t.Unicode("").tag(sync=True)
    ground = t.Unicode("").tag(sync=True)
    story = t.Unicode("").tag(sync=True)
    head = t.Unicode("").tag(sync=True)
    label = t.Unicode("").tag(sync=True)
    box = t.List(t.Int(), default_value=[0, 0]).tag(sync=True)
    top = t.List(t.Int(), default_value=[0, 0]).tag(sync=True)
    motion = t.List(t.Float(), default_value=[0.0, plots.REST, 0.0]).tag(sync=True)
    reach = t.Dict().tag(sync=True)
    width = t.Int(0).tag(sync=True)
    hears = t.Bool(False).tag(sync=True)
    again = t.Int(0).tag(sync=True)

    def redraw(self) -> None:
        """Draw what is there once more, over whatever a click left in the browser."""
        self.again += 1
