"""A journey as Mermaid text: what GitHub, GitLab and many wikis draw by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from postventa.web.flow import Card, Flow
from postventa.web.tongue import ENGLISH, Tongue

_SHAPES = {
    "send": ("[", "]"), "ask": ("[", "]"), "branch": ("{{", "}}"), "experiment": ("{{", "}}"), "exit": ("([", "])"),
    "wait": ("(", ")"), "wait_for": ("(", ")"), "wait_until": ("(", ")"),
}  # fmt: skip
_BOX = ("[[", "]]")


def mermaid(flow: Flow, t: Tongue = ENGLISH) -> str:
    """A flowchart, top down, that ends in a new line."""
    lines = ["flowchart TD", f"  start([{_quoted(f'{flow.start}', flow.where)}])"]
    lines += [f"  {_node(card)}" for card in flow.all()]
    lines.append(f"  done([{_quoted(t('Done'))}])")
    lines.append(_arrow("start", _first(flow.cards, "done")))
    lines += [line for card, after in _rows(flow.cards, "done") for line in _edges(card, after, t)]
    lines += ["  classDef mail stroke-width:3px", "  classDef out stroke-dasharray:4 3"]
    for name, verbs in (("mail", ("send", "ask")), ("out", ("exit",))):
        if members := [f"s{card.index}" for card in flow.all() if card.verb in verbs]:
            lines.append(f"  class {','.join(members)} {name}")
    return "\n".join(lines) + "\n"


def _rows(cards: list[Card], after: str) -> Iterator[tuple[Card, str]]:
    """Every card, with the node that follows it."""
    following = [f"s{card.index}" for card in cards[1:]] + [after]
    for card, then in zip(cards, following, strict=False):  # an empty row has nobody to follow
        yield card, then
        yield from _rows(card.body, f"s{card.index}")
        for way in card.ways:
            yield from _rows(way.cards, then)


def _edges(card: Card, after: str, t: Tongue) -> Iterator[str]:
    here = f"s{card.index}"
    if card.body:
        yield _arrow(here, _first(card.body, here), t("every round"))
        yield _arrow(here, after, t("when the rounds are done"))
    elif card.ways:
        yield from (_arrow(here, _first(way.cards, after), way.label) for way in card.ways)
    elif card.verb != "exit":
        yield _arrow(here, after)


def _first(cards: list[Card], after: str) -> str:
    return f"s{cards[0].index}" if cards else after


def _node(card: Card) -> str:
    opening, closing = _SHAPES.get(card.verb, _BOX)
    return f"s{card.index}{opening}{_quoted(f'{card.kicker}: {card.title}', *card.more)}{closing}"


def _arrow(from_: str, to: str, label: str = "") -> str:
    return f"  {from_} -->|{_quoted(label)}| {to}" if label else f"  {from_} --> {to}"


def _quoted(*lines: str) -> str:
    text = "<br>".join(_escaped(line) for line in lines if line)
    return f'"{text}"'


def _escaped(text: str) -> str:
    """Mermaid's own entities, for signs that would end a label or start a tag."""
    for sign, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        text = text.replace(sign, entity)
    return text
