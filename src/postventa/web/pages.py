"""Templates and style: one Jinja environment over `pages/`, one small style sheet in the shop's colours. No script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from postventa.templates.brand import Brand, Palette
from postventa.web.tongue import ENGLISH, Tongue, moment_of

_FOLDER = Path(__file__).parent / "pages"
SHEETS = ("style.css", "diagram.css", "results.css", "workbench.css")


@cache
def environment() -> Environment:
    """Autoescape always; a missing name is an error, never a gap."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["t"] = ENGLISH
    made.filters |= {"when": when, "day": day, "clock": clock, "size": size, "span": span}
    return made


def page(name: str, brand: Brand, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """The template `pages/<name>` as an answer."""
    template = environment().get_template(name)
    return HTMLResponse(template.render({"brand": brand, "style": style_name(brand), **values}), status)


# --- style -----------------------------------------------------------------------------------------------------------
def style(brand: Brand) -> str:
    """The style sheet, the shop's colours first."""
    return _colours(brand) + "".join(map(_sheet, SHEETS))


def picture_style(brand: Brand) -> str:
    """What a picture needs that stands alone, in a file of its own. Paper is white."""
    paper = f"@media print{{:root{{{_variables(brand.colours)}--background:#fff;--surface:#fff;}}}}\n"
    return _colours(brand) + paper + _sheet("diagram.css")


def _colours(brand: Brand) -> str:
    light, dark = _variables(brand.colours), _variables(brand.dark)
    return f":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def style_name(brand: Brand) -> str:
    """A name that changes with the style, so that browsers may keep it."""
    return f"{sha256(style(brand).encode()).hexdigest()[:12]}.css"


def style_response(request: Request, brand: Brand) -> Response:
    """The style sheet, kept for a year under its own name and asked again under any other."""
    kept = request.path_params.get("name") == style_name(brand)
    caching = "public, max-age=31536000, immutable" if kept else "no-cache"
    return Response(style(brand), media_type="text/css", headers={"Cache-Control": caching})


@cache
def _sheet(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _variables(palette: Palette) -> str:
    return "".join(f"--{one.name.replace('_', '-')}:{getattr(palette, one.name)};" for one in fields(Palette))


# --- what people read ------------------------------------------------------------------------------------------------
@pass_context
def when(context: Context, value: Any) -> str:
    """`22 Nov 2026, 14:10` (UTC, as the pages say once), in the page's language."""
    return _tongue(context).when(value)


@pass_context
def day(context: Context, value: Any) -> str:
    """`Sunday 22 November 2026`."""
    return _tongue(context).day(value)


def _tongue(context: Context) -> Tongue:
    found = context.resolve("t")
    return found if isinstance(found, Tongue) else ENGLISH


def clock(value: Any) -> str:
    """`14:10:17`."""
    moment = moment_of(value)
    return f"{moment:%H:%M:%S}" if moment else "–"


def size(count: Any) -> str:
    """Bytes as people say them: `12.3 kB`."""
    number = float(count or 0)
    return f"{number:.0f} B" if number < 1000 else f"{number / 1000:.1f} kB"


@pass_context
def span(context: Context, seconds: Any) -> str:
    """A span as people say it: `2 days`, `40 minutes`."""
    rest = int(float(seconds or 0))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if (count := rest // length) >= (2 if length > 1 else 0):
            return _tongue(context).units(f"{count} {unit}{'' if count == 1 else 's'}")
    return _tongue(context).units("a moment")
