"""Colours, sizes and the one style sheet of the panel; everything lies under the class ``lab``.

Hues are Okabe and Ito's, for fills and strokes; the darker inks are for text, at least 4.5:1 on every wash they meet.
Colour comes third, after shape and word.
"""

from __future__ import annotations

from importlib.resources import files

INK, INK2, INK3 = "#14191f", "#465260", "#5f6b77"
RULE, LINE, PAPER, WASH = "#d3d9df", "#84909b", "#ffffff", "#f5f7f9"
BLUE, BLUE_INK, BLUE_WASH = "#0072B2", "#00588a", "#e4f0f8"
VERMILLION, VERMILLION_INK, VERMILLION_WASH = "#D55E00", "#a04400", "#fdede2"
GREEN, GREEN_INK, GREEN_WASH = "#009E73", "#00664b", "#e2f3ed"
ORANGE, ORANGE_INK, ORANGE_WASH = "#E69F00", "#765000", "#fdf2da"
SKY, SKY_INK, SKY_WASH = "#56B4E9", "#0b5a86", "#e9f5fc"
PURPLE = "#CC79A7"
LOOK = "#fdf8c9"

_TOKENS = {
    name: value for name, value in globals().items() if name.isupper() and isinstance(value, str) and value[:1] == "#"
}


def tokens() -> str:
    """The colours as custom properties of the class ``lab``."""
    return ".lab{" + "".join(f"--{name.lower().replace('_', '-')}:{value};" for name, value in _TOKENS.items()) + "}\n"


def sheet() -> str:
    """The style sheet with its tokens, as the content of one style element."""
    return tokens() + files("lab").joinpath("panel.css").read_text(encoding="utf-8")
