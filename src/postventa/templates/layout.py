"""The brand layout around every Markdown body: header, card, footer. MJML makes the tables that Outlook needs.

Compiled once per message and language. Looks right on a phone (one fluid column) and in dark mode (a media query that
repaints every class; programs that ignore it keep the light mail, which stays readable).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import mrml

from postventa.templates.brand import Brand, Palette
from postventa.templates.marks import text_url
from postventa.templates.parts import Kit, Part, escape
from postventa.templates.words import language_of

# Fonts of the reader's machine only. A name that MJML takes for a web font would make every mail call its server.
_FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_FILLER = "&#847;&zwnj;&nbsp;" * 30
_TAGS = frozenset((
    "mjml", "mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-text", "mj-button", "mj-section",
    "mj-style", "mj-raw", "mj-body", "mj-column",
))  # fmt: skip
_RTL = {"ar", "fa", "he", "ur"}


def page(parts: Sequence[Part], kit: Kit, brand: Brand, locale: str, *, optional: bool) -> str:
    """The whole mail as HTML with tags hidden. `optional`: the customer can stop it, so the footer says how."""
    source = _mjml(parts, kit, brand, locale, optional=optional)
    unknown = {element.tag for element in ET.fromstring(source).iter()} - _TAGS  # noqa: S314 - our own text
    if unknown:  # mrml would pass them through in silence
        raise ValueError(f"the layout uses tags MJML does not know: {sorted(unknown)}")
    compiled = mrml.to_html(source)
    return kit.assemble(str(compiled.content if hasattr(compiled, "content") else compiled))


def text_page(parts: Sequence[Part], kit: Kit, brand: Brand, *, optional: bool) -> str:
    """The text part with tags hidden: body, then the footer below a signature mark."""
    footer = ["-- ", brand.name]
    if optional:
        words = kit.words
        footer.append(words["why"].format(name=brand.name))
        footer += [
            f"{words['unsubscribe']}: {text_url(kit.hide('{{ links.unsubscribe }}'))}",
            kit.hide("{% if links.preferences is defined %}")
            + f"{words['preferences']}: {text_url(kit.hide('{{ links.preferences }}'))}"
            + kit.hide("{% endif %}"),
        ]
    footer.append(brand.postal_address)
    return "\n\n".join(part.text for part in parts) + "\n\n" + "\n".join(line for line in footer if line) + "\n"


def _mjml(parts: Sequence[Part], kit: Kit, brand: Brand, locale: str, *, optional: bool) -> str:
    colours = brand.colours
    direction = "rtl" if language_of(locale) in _RTL else "ltr"
    title = kit.fragment(kit.hide("{{ _subject }}"))
    preview = kit.fragment(kit.hide("{{ _preheader }}") + _FILLER)
    scheme = kit.fragment(
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    )
    return f"""<mjml lang="{locale}" dir="{direction}"><mj-head>
<mj-title>{title}</mj-title><mj-preview>{preview}</mj-preview>
<mj-attributes><mj-all font-family="{_FONT}"/>
<mj-text font-size="16px" line-height="26px" color="{colours.text}" padding="0 32px 4px 32px"/>
<mj-button font-size="16px" font-weight="600" border-radius="10px" inner-padding="15px 28px" align="left"
 padding="8px 32px 24px 32px"/><mj-section padding="0"/></mj-attributes>
<mj-style>{kit.fragment(_css(brand.dark))}</mj-style>
<mj-raw>{scheme}</mj-raw></mj-head>
<mj-body css-class="pv-body" background-color="{colours.background}" width="600px">
<mj-section padding="28px 12px 18px 12px"><mj-column>{_header(kit, brand)}</mj-column></mj-section>
<mj-section css-class="pv-card" background-color="{colours.surface}" border-radius="16px" padding="36px 0 20px 0">
<mj-column>{"".join(part.mjml for part in parts)}</mj-column></mj-section>
<mj-section padding="22px 12px 36px 12px"><mj-column>
<mj-text css-class="pv-foot" font-size="13px" line-height="20px" color="{colours.muted}" align="center">
{kit.fragment(_footer(kit, brand, locale, optional=optional))}</mj-text></mj-column></mj-section>
</mj-body></mjml>"""


def _header(kit: Kit, brand: Brand) -> str:
    name = escape(brand.name)
    if brand.logo:
        inner = (
            f'<img src="{escape(brand.logo)}" alt="{name}" width="{brand.logo_width}" '
            f'style="width:{brand.logo_width}px;max-width:100%;height:auto;border:0;">'
        )
    else:
        inner = name
    style = f"color:{brand.colours.primary};text-decoration:none;font-weight:800;"
    linked = f'<a class="pv-brand" href="{escape(brand.website)}" style="{style}">{inner}</a>'
    mark = linked if brand.website else f'<span class="pv-brand" style="{style}">{inner}</span>'
    return f'<mj-text align="center" font-size="22px" line-height="30px">{kit.fragment(mark)}</mj-text>'


def _footer(kit: Kit, brand: Brand, locale: str, *, optional: bool) -> str:
    link = f"color:{brand.colours.muted};text-decoration:underline;"
    rows = []
    if optional:
        rows.append(escape(kit.words["why"].format(name=brand.name)))
        stop = f'<a href="{{{{ links.unsubscribe }}}}" style="{link}">{escape(kit.words["unsubscribe"])}</a>'
        choose = (
            "{% if links.preferences is defined %} &nbsp;·&nbsp; "
            f'<a href="{{{{ links.preferences }}}}" style="{link}">{escape(kit.words["preferences"])}</a>{{% endif %}}'
        )
        rows.append(kit.hide(stop + choose))
    pages = " &nbsp;·&nbsp; ".join(
        f'<a href="{escape(url)}" style="{link}">{escape(label)}</a>' for label, url in brand.links_for(locale).items()
    )
    rows += [pages, escape(brand.postal_address)]
    return "<br>".join(row for row in rows if row)


def _css(dark: Palette) -> str:
    rules = f"""
      body, .pv-body {{ background-color:{dark.background} !important; }}
      .pv-card, .pv-card > table {{ background:{dark.surface} !important; background-color:{dark.surface} !important; }}
      .pv-text div, .pv-text p, .pv-text li, .pv-text h1, .pv-text h2, .pv-text h3, .pv-ink
        {{ color:{dark.text} !important; }}
      .pv-text a, .pv-brand {{ color:{dark.primary} !important; }}
      .pv-soft, .pv-foot div, .pv-foot a {{ color:{dark.muted} !important; }}
      .pv-star {{ color:{dark.accent} !important; }}
      .pv-rule, .pv-text hr {{ border-color:{dark.line} !important; }}
      .pv-box {{ background:{dark.background} !important; background-color:{dark.background} !important; }}
      .pv-coupon {{ border-color:{dark.accent} !important; }}
      .pv-button td, .pv-button a {{ background:{dark.primary} !important;
        background-color:{dark.primary} !important; color:{dark.on_primary} !important; }}"""
    narrow = ".pv-text, .pv-button, .pv-pad { padding-left:22px !important; padding-right:22px !important; }"
    phone, night = f"@media (max-width:479px) {{ {narrow} }}", f"@media (prefers-color-scheme: dark) {{{rules} }}"
    return re.sub(r"\s+", " ", f":root {{ color-scheme: light dark; }} {phone} {night}")
