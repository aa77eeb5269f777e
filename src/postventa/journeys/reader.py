"""Reading one value: each kind of value in `words` has a function here that turns a node into what the core needs.

A function records what is wrong and returns None; reading goes on, so that all problems of a file are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from postventa.core.journey import Duration, Fact, IfBlocked, LocalTime, On, Path, Shift
from postventa.journeys.tree import Name, PathUse, Place, Role, Tree
from postventa.journeys.words import EVENT, FACT, NOT_YET, Key
from postventa.schemas.registry import Registry
from postventa.source.durations import NotUnderstood, parse_clock, parse_day, parse_duration, parse_shifts
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as Group
from postventa.source.nodes import Node, Scalar, Sequence

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_PATH = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+")
CHANNELS = ("email",)


class Reader:
    """Reads values into `tree`. `registry` says which paths exist and how they compare."""

    def __init__(self, tree: Tree, registry: Registry) -> None:
        self.tree = tree
        self.registry = registry

    # --- groups of keys ----------------------------------------------------------------------------------------------
    def keys(self, node: Node, table: Mapping[str, Key], what: str, not_yet: str = "") -> Group | None:
        """`node` as keys and values out of `table`; says what is unknown, missing, or without its companion."""
        if not isinstance(node, Group):
            self.tree.say(node, "J105", f"{what} has to be keys and values, found {node.says}", _keys(table))
            return None
        later = NOT_YET.get(not_yet, {})
        for key, _ in node:
            if key.text in later:
                self.not_yet(key, f"'{key.text}': {later[key.text]}")
            elif key.text not in table:
                self.tree.say(
                    key, "J104", f"unknown key '{key.text}' {_beside(what)}", suggest(key.text, table, "keys")
                )
            elif table[key.text].needs and table[key.text].needs not in node:
                self.tree.say(key, "J107", f"'{key.text}' without '{table[key.text].needs}'",
                              f"add '{table[key.text].needs}: …' beside it")  # fmt: skip
        for name, key_ in table.items():
            if key_.required and name not in node and not any(word in node for word in later):
                self.tree.say(node, "J103", f"the key '{name}' is missing in {what}", f"add '{name}: …' ({key_.doc})")
        return node

    def not_yet(self, node: Node, what: str) -> None:
        """A word the language reserves."""
        self.tree.say(node, "J115", f"not in this version yet: {what}", "leave it out for now")

    # --- single values -----------------------------------------------------------------------------------------------
    def text(self, node: Node) -> str | None:
        """Any text."""
        if isinstance(node, Scalar) and isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
            return node.text
        self.tree.say(node, "J105", f"expected a text, found {node.says}")
        return None

    def name(self, node: Node) -> str | None:
        """A name in kebab-case."""
        text = self.text(node)
        if text is None or NAME.fullmatch(text):
            return text
        better = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
        self.tree.say(node, "J102", f"'{text}' is not a name", f"small letters, digits and '-': {better or 'my-name'}")
        return None

    def named(self, kind: str, node: Node, place: Place) -> str | None:
        """A text that names something elsewhere; whether it exists is a rule's to say."""
        text = self.text(node)
        if text is not None:
            self.tree.names.append(Name(kind, text, node, place))
        return text

    def choice(self, node: Node, words: tuple[str, ...]) -> str | None:
        """One of a few words."""
        text = self.text(node)
        if text is None or text in words:
            return text
        self.tree.say(node, "J110", f"'{text}' is not a word for this", suggest(text, words, "one of"))
        return None

    def count(self, node: Node, least: int = 1, most: int = 1_000_000) -> int | None:
        """A whole number."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.tree.say(node, "J111", f"expected a whole number from {least} to {most}, found {node.says}")
        return None

    def understood(self, parse: Callable[[str], T], node: Node, code: str = "J108") -> T | None:
        """What `parse` makes of a text."""
        text = self.text(node)
        if text is None:
            return None
        try:
            return parse(text)
        except NotUnderstood as error:
            self.tree.say(node, code, str(error), error.help)
            return None

    def duration(self, node: Node) -> Duration | None:
        """A span of time."""
        return self.understood(parse_duration, node)

    def shifts(self, node: Node) -> tuple[Shift, ...] | None:
        """An offset: `3 years - 30 days`."""
        return self.understood(parse_shifts, node)

    def clock(self, node: Node) -> LocalTime | None:
        """A time of day."""
        return self.understood(parse_clock, node, "J109")

    def days(self, node: Node) -> frozenset[int] | None:
        """Days of the week."""
        found: set[int] = set()
        for item in _many(node):
            found.update(self.understood(parse_day, item, "J109") or ())
        return frozenset(found) or None

    def if_blocked(self, node: Node) -> IfBlocked | None:
        """`skip`, or `wait up to 3 days`."""
        text = self.text(node)
        if text is None or text == "skip":
            return None if text is None else IfBlocked(None)
        if text.startswith("wait up to "):
            span = self.understood(lambda words: parse_duration(words.removeprefix("wait up to ")), node)
            return None if span is None else IfBlocked(span)
        self.tree.say(
            node, "J110", f"'{text}' is not a word for this", suggest(text, ("skip", "wait up to 3 days"), "one of")
        )
        return None

    def again(self, node: Node) -> Any:
        """`always`, `never` or `after 30 days`."""
        text = self.text(node)
        if text is not None and text.startswith("after "):
            return self.understood(lambda words: parse_duration(words.removeprefix("after ")), node)
        return self.choice(node, ("always", "never", "after 30 days"))

    def every(self, node: Node) -> Any:
        """`round`, or an interval."""
        return "round" if isinstance(node, Scalar) and node.text == "round" else self.duration(node)

    def per(self, node: Node) -> Any:
        """`order`, `line` or an amount with its currency, `10 EUR`."""
        text = self.text(node)
        if text is None or text in {"order", "line"}:
            return text
        amount, _, currency = text.partition(" ")
        try:
            number = Decimal(amount)
        except InvalidOperation:
            number = Decimal(0)
        if number.is_finite() and number > 0 and re.fullmatch(r"[A-Z]{3}", currency):
            self.tree.names.append(Name("currency", currency, node, Place()))
            return number
        self.tree.say(node, "J110", f"'{text}' is not a measure", suggest(text, ("order", "line", "10 EUR"), "one of"))
        return None

    def channels(self, node: Node) -> tuple[str, ...] | None:
        """One channel, or several that are tried in order."""
        found: list[str] = []
        for item in _many(node):
            if isinstance(item, Scalar) and item.text in NOT_YET["channel"]:
                self.not_yet(item, f"'{item.text}': {NOT_YET['channel'][item.text]}")
            elif (channel := self.choice(item, CHANNELS)) is not None:
                found.append(channel)
        return tuple(found) or None

    def receiver(self, node: Node, place: Place) -> str | None:
        """Whom a message goes to."""
        if isinstance(node, Scalar) and node.text in NOT_YET["to"]:
            self.not_yet(node, f"'{node.text}': {NOT_YET['to'][node.text]}")
            return None
        return self.named("group", node, place)

    # --- events ------------------------------------------------------------------------------------------------------
    def types(self, node: Node, place: Place) -> tuple[str, ...] | None:
        """An event, or a list of events."""
        found = tuple(text for item in _many(node) if (text := self.named("event", item, place)) is not None)
        if not found and isinstance(node, Sequence) and not node.items:
            self.tree.say(node, "J113", "the list is empty", "name at least one event")
        return found or None

    def events(self, node: Node, place: Place) -> tuple[On, ...] | None:
        """Events with conditions: a name, a list, or {event, where}."""
        found: list[On] = []
        for item in _many(node):
            if isinstance(item, Group):
                group = self.keys(item, EVENT, "an event")
                types = self.types(group.entries["event"][1], place) if group and "event" in group else None
                if group and types:
                    found.append(On(frozenset(types), self.where(group, place, types)))
            elif (name := self.named("event", item, place)) is not None:
                found.append(On(frozenset({name})))
        if not found and isinstance(node, Sequence) and not node.items:
            self.tree.say(node, "J113", "the list is empty", "name at least one event")
        return tuple(found) or None

    def where(self, group: Group, place: Place, types: tuple[str, ...]) -> Any:
        """The condition under `where`, in which `event.*` is the event that is looked at."""
        from postventa.journeys.conditions import read_condition

        node = group.get("where")
        inside = Place(place.path, place.scope, place.matched, True, types)
        return read_condition(self, node, inside) if node is not None else _always()

    # --- paths and facts ---------------------------------------------------------------------------------------------
    def path(self, node: Node, place: Place, role: Role = "read", *, guarded: bool = False) -> Path | None:
        """A path such as `order.total`, with the kind of its values."""
        text = self.text(node)
        if text is None:
            return None
        if not _PATH.fullmatch(text):
            self.tree.say(
                node, "J112", f"'{text}' is not a path", "a thing and its fact: order.total, customer.country"
            )
            return None
        root, *parts = text.split(".")
        path = self.typed(root, tuple(parts), place)
        self.tree.paths.append(PathUse(path, node, place, role, guarded))
        return path

    def typed(self, root: str, parts: tuple[str, ...], place: Place) -> Path:
        """The path with its kind, and with the step whose match it means."""
        if root == "event":
            types = place.looked_at or place.matched or self.start_types()
            kind = "text" if parts == ("type",) else self.registry.event_kind(types, parts)
            return Path(root, parts, kind or "any", None if place.in_where else place.scope)
        kind = self.registry.path_kind(root, parts)
        return Path(root, parts, kind or "any", place.scope if self.comes_from_match(root, place) else None)

    def comes_from_match(self, root: str, place: Place) -> bool:
        """Whether `root` can only be the thing of the event just matched, not one the run names itself."""
        return bool(place.scope) and root not in {"customer", "run", "event", self.tree.subject, "order"}

    def start_types(self) -> tuple[str, ...]:
        """The types this journey starts on."""
        return tuple(self.tree.values.get("start_types", ()))

    def fact(self, node: Group, place: Place) -> Fact | None:
        """`{path: order.promised_at, plus: 2 days}`."""
        group = self.keys(node, FACT, "a fact")
        if group is None or "path" not in group:
            return None
        path = self.path(group.entries["path"][1], place)
        shifts: list[Shift] = []
        add = Decimal(0)
        for word, sign in (("plus", 1), ("minus", -1)):
            moved = group.get(word)
            if isinstance(moved, Scalar) and isinstance(moved.value, int | float) and not isinstance(moved.value, bool):
                add += sign * Decimal(str(moved.value))
            elif moved is not None:
                spans = self.shifts(moved) or ()
                shifts += [(1 if sign * way > 0 else -1, span) for way, span in spans]
        return None if path is None else Fact(path, tuple(shifts), add)

    def timeout(self, node: Node, place: Place) -> Duration | Fact | None:
        """A duration, or a fact that is a time."""
        if isinstance(node, Group):
            fact = self.fact(node, place)
            if fact is not None:
                self.tree.paths.append(PathUse(fact.path, node.get("path") or node, place, "waited"))
            return fact
        return self.duration(node)

    def values(self, node: Node, place: Place) -> dict[str, Any] | None:
        """`with:`: plain values, or `{path: …}`."""
        if not isinstance(node, Group):
            self.tree.say(node, "J105", f"expected keys and values, found {node.says}", "{reason: low-score}")
            return None
        return {key.text: self.value(value, place) for key, value in node}

    def facts(self, node: Node, place: Place) -> dict[str, Any] | None:
        """`set:`: values by path."""
        if not isinstance(node, Group) or not node.entries:
            self.tree.say(node, "J105", f"expected facts and values, found {node.says}", "{customer.tags: [vip]}")
            return None
        found: dict[str, Any] = {}
        for key, value in node:
            path = self.path(key, place, "written")
            if path is not None:
                found[str(path)] = self.value(value, place)
        return found

    def value(self, node: Node, place: Place) -> Any:
        """A plain value, or a path to one."""
        if isinstance(node, Group) and set(node.entries) == {"path"}:
            return self.path(node.entries["path"][1], place)
        if isinstance(node, Group) and "path" in node:
            return self.fact(node, place)
        return node.plain()


def is_time(text: str) -> bool:
    """Whether a text is a date or a moment."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _always() -> Any:
    from postventa.core.journey import ALWAYS

    return ALWAYS


def _many(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _keys(table: Mapping[str, Key]) -> str:
    return f"keys: {', '.join(table)}"


def _beside(what: str) -> str:
    return f"beside '{what}'" if what.isidentifier() else f"in {what}"
