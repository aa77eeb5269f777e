"""The blocks of a Markdown body: `button`, `lines`, `tracking`, `coupon`, `stars`, `scale`. One function each.

Written as one line, `::: button [See it]({{ line.product.tutorial_url }})`. A block makes its own HTML (tables with
inline styles: the only thing all mail programs agree on) and its own plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from postventa.templates.marks import text_url
from postventa.templates.parts import BlockError, Kit, Part, escape

_LINK = re.compile(r"\s*\[(?P<label>.+)\]\((?P<url>\S+)\)\s*\Z")
_ROW = '<tr><td class="pv-pad" style="padding:8px 32px 20px 32px;">'
_ALL_LINES = "(lines if lines is defined else order.lines)"


def button(argument: str, kit: Kit) -> Part:
    """`::: button [Label](address)`: the one thing the mail asks for."""
    match = _LINK.match(argument)
    if not match:
        raise BlockError("a button needs a label and an address", "::: button [See the tutorial](https://…)")
    return _button(match["label"], match["url"], kit)


def lines(argument: str, kit: Kit) -> Part:
    """`::: lines`: what was bought. `::: lines order.lines` names the list; default: the mail's own lines."""
    source = argument.strip() or _ALL_LINES
    if argument.strip() and not re.fullmatch(r"[a-z_][a-z0-9_.]*", source):
        raise BlockError(f"'{source}' is not the name of a list", "::: lines order.lines")
    colours = kit.colours
    name = "{{ line.name | default(line.product.name) }}"
    times = f"""{{% if line.quantity | default(1) | int > 1 %}}<span class="pv-soft" style="color:{colours.muted};">
{{{{ line.quantity }}}}&nbsp;×</span> {{% endif %}}"""
    row = f"""{_ROW}<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
{{% for line in {source} %}}<tr>
{{% if line.product.image is defined %}}<td class="pv-rule" width="72" valign="middle" style="padding:12px 16px 12px 0;
border-bottom:1px solid {colours.line};"><img src="{{{{ line.product.image }}}}" width="56" height="56" alt=""
style="display:block;width:56px;height:56px;border-radius:8px;"></td>{{% endif %}}
<td class="pv-rule pv-ink" valign="middle" {{% if line.product.image is not defined %}}colspan="2"{{% endif %}}
style="padding:14px 12px 14px 0;border-bottom:1px solid {colours.line};{_font(16, colours.text)}">{name}</td>
<td class="pv-rule pv-ink" align="right" valign="middle" style="padding:14px 0;border-bottom:1px solid {colours.line};
white-space:nowrap;{_font(16, colours.text)}">{times}
{{% if line.price is defined %}}{{{{ line.price | money }}}}{{% endif %}}</td></tr>{{% endfor %}}</table></td></tr>"""
    quantity = "{% if line.quantity | default(1) | int > 1 %}{{ line.quantity }} × {% endif %}"
    price = "{% if line.price is defined %}{{ line.price | money }}{% endif %}"
    text = f"{{% for line in {source} %}}- {name}: {quantity}{price}\n{{% endfor %}}"
    return Part(kit.raw(row), kit.hide(text))


def tracking(argument: str, kit: Kit) -> Part:
    """`::: tracking`: carrier, expected day and a button, of `shipment`; what is not known is left out."""
    _no_argument("tracking", argument)
    words, colours = kit.words, kit.colours
    facts = [
        ("carrier", "shipment.carrier is defined", "{{ shipment.carrier }}"),
        ("expected", "shipment.eta is defined", "{{ shipment.eta | date }}"),
    ]
    cells = "".join(
        f"""{{% if {known} %}}<tr><td class="pv-soft" style="padding:2px 16px 2px 0;{_font(14, colours.muted)}">
{escape(words[key])}</td><td class="pv-ink" style="padding:2px 0;{_font(16, colours.text, 600)}">{value}</td></tr>
{{% endif %}}"""
        for key, known, value in facts
    )
    known = "{% if shipment.carrier is defined or shipment.eta is defined %}"
    table = f"""{known}{_ROW}<table role="presentation" class="pv-box" width="100%" cellpadding="0" cellspacing="0"
border="0" style="background:{colours.background};border-radius:10px;"><tr><td style="padding:16px 20px;">
<table role="presentation" cellpadding="0" cellspacing="0" border="0">{cells}</table></td></tr></table>
</td></tr>{{% endif %}}"""
    opening, closing = kit.hide("{% if shipment.tracking_url is defined %}"), kit.hide("{% endif %}")
    press = _button(words["track"], kit.hide("{{ shipment.tracking_url }}"), kit)
    text = "".join(f"{{% if {known} %}}{words[key]}: {value}\n{{% endif %}}" for key, known, value in facts)
    return Part(
        kit.raw(table) + f"<mj-raw>{opening}</mj-raw>{press.mjml}<mj-raw>{closing}</mj-raw>",
        kit.hide(text) + f"{opening}{press.text}{closing}",
    )


def coupon(argument: str, kit: Kit) -> Part:
    """`::: coupon`: the code of `reward`, large enough to copy, and until when it is good."""
    _no_argument("coupon", argument)
    words, colours = kit.words, kit.colours
    until = f"""{{% if reward.expires_at is defined %}}<div class="pv-soft" style="padding-top:8px;
{_font(14, colours.muted)}">{escape(words["valid_until"])}
{{{{ reward.expires_at | date("long") }}}}</div>{{% endif %}}"""
    row = f"""{_ROW}<table role="presentation" class="pv-box" width="100%" cellpadding="0" cellspacing="0" border="0"
style="background:{colours.background};border-radius:10px;border-collapse:separate;"><tr><td class="pv-coupon"
align="center" style="padding:22px 16px;border:2px dashed {colours.accent};border-radius:10px;"><div class="pv-soft"
style="{_font(14, colours.muted)}">{escape(words["your_code"])}</div><div class="pv-ink" style="padding-top:4px;
font-family:ui-monospace,Menlo,Consolas,monospace;font-size:26px;line-height:34px;font-weight:700;letter-spacing:2px;
color:{colours.text};">{{{{ reward.code }}}}</div>{until}</td></tr></table></td></tr>"""
    text = (
        f"{words['your_code']}: {{{{ reward.code }}}}\n{{% if reward.expires_at is defined %}}"
        f"{words['valid_until']} {{{{ reward.expires_at | date('long') }}}}\n{{% endif %}}"
    )
    return Part(kit.raw(row), kit.hide(text))


def stars(argument: str, kit: Kit) -> Part:
    """`::: stars`: five stars, each a link to the answer page. `::: stars Bad | Good` names the two ends."""
    low, high = _ends(argument, kit)
    accent = kit.colours.accent
    star = f'<span class="pv-star" style="font-size:34px;line-height:40px;color:{accent};">★</span><br>{{score}}'
    return _answers(range(1, 6), star, low, high, kit)


def scale(argument: str, kit: Kit) -> Part:
    """`::: scale`: 0 to 10, each a link to the answer page. `::: scale Unlikely | Very likely` names the two ends."""
    low, high = _ends(argument, kit)
    return _answers(range(11), "{score}", low, high, kit)


BLOCKS: dict[str, Callable[[str, Kit], Part]] = {
    "button": button,
    "lines": lines,
    "tracking": tracking,
    "coupon": coupon,
    "stars": stars,
    "scale": scale,
}


def _answers(scores: range, face: str, low: str, high: str, kit: Kit) -> Part:
    colours, width = kit.colours, 100 // len(scores)
    boxed = "" if len(scores) <= 5 else f"border:1px solid {colours.line};"
    label = f"{{score}} {kit.words['of']} {scores[-1]}"
    cells = "".join(
        f"""<td align="center" width="{width}%" class="pv-rule" style="{boxed}"><a class="pv-ink"
title="{label.format(score=score)}" href="{{{{ links.answer({score}) }}}}"
style="display:block;padding:8px 0;text-decoration:none;{_font(15, colours.text)}">
{face.format(score=score)}</a></td>"""
        for score in scores
    )
    ends = "".join(
        f'<td class="pv-soft" align="{side}" style="padding-top:6px;{_font(13, colours.muted)}">{escape(end)}</td>'
        for side, end in (("left", low), ("right", high))
    )
    row = f"""{_ROW}<table role="presentation" align="center" width="100%" cellpadding="0" cellspacing="0" border="0"
style="max-width:420px;"><tr>{cells}</tr></table><table role="presentation" align="center" width="100%" cellpadding="0"
cellspacing="0" border="0" style="max-width:420px;"><tr>{ends}</tr></table></td></tr>"""
    notes = {scores[0]: f" ({low})", scores[-1]: f" ({high})"}
    text = "\n".join(
        f"{score}{notes.get(score, '')}: {text_url(f'{{{{ links.answer({score}) }}}}')}" for score in reversed(scores)
    )
    return Part(kit.raw(row), kit.hide(text))


def _button(label: str, url: str, kit: Kit) -> Part:
    colours = kit.colours
    return Part(
        f'<mj-button css-class="pv-button" href="{kit.fragment(escape(url))}" background-color="{colours.primary}" '
        f'color="{colours.on_primary}">{kit.fragment(escape(label))}</mj-button>',
        f"{label}: {text_url(url)}",
    )


def _ends(argument: str, kit: Kit) -> tuple[str, str]:
    if not argument.strip():
        return kit.words["worst"], kit.words["best"]
    ends = [end.strip() for end in argument.split("|")]
    if len(ends) != 2:
        raise BlockError("the two ends of the scale are divided by one '|'", "::: stars Not happy | Very happy")
    return ends[0], ends[1]


def _no_argument(name: str, argument: str) -> None:
    if argument.strip():
        raise BlockError(f"'{name}' takes nothing behind it", f"::: {name}")


def _font(size: int, colour: str, weight: int = 400) -> str:
    family = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
    return f"{family};font-size:{size}px;line-height:{round(size * 1.5)}px;font-weight:{weight};color:{colour};"
