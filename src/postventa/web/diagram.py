"""A journey as a file: a page that stands alone, a picture, or Mermaid text."""

from __future__ import annotations

from postventa.templates.brand import Brand
from postventa.web.drawing import NARROW, WIDE, svg
from postventa.web.flow import Flow
from postventa.web.mermaid import mermaid
from postventa.web.pages import environment, picture_style
from postventa.web.tongue import ENGLISH, Tongue

FORMATS = ("html", "svg", "mermaid")


def diagram(flow: Flow, form: str, brand: Brand, t: Tongue = ENGLISH) -> str:
    """The text of the file. `form` is one of FORMATS."""
    if form == "mermaid":
        return mermaid(flow, t)
    if form == "svg":
        return svg(flow, t, style=picture_style(brand))
    template = environment().get_template("diagram.html")
    return template.render({"flow": flow, "t": t, "style": picture_style(brand), **pictures(flow, t)})


def pictures(flow: Flow, t: Tongue = ENGLISH) -> dict[str, str]:
    """The two pictures that a page shows one of: for a wide window or a sheet of paper, and for a phone."""
    return {"wide": svg(flow, t, WIDE, name="wide"), "narrow": svg(flow, t, NARROW, name="narrow")}
