"""message.yaml: what a message is (its legal class, subject, sender) beside the bodies that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from postventa.core.journey import Message, MessageClass
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as Keys
from postventa.source.nodes import Node, Scalar
from postventa.source.problem import Problem
from postventa.source.yaml import load
from postventa.templates.brand import Sender

CLASSES: tuple[MessageClass, ...] = ("transactional", "soft_opt_in", "marketing")
_KEYS = ("class", "title", "subject", "preheader", "sender", "priority", "wording", "purpose", "duplicates", "kind")
_KINDS = ("notice", "tutorial", "survey", "review", "referral", "offer")
_NEVER_TRANSACTIONAL = ("survey", "review", "referral", "offer")


@dataclass(frozen=True, slots=True)
class Line:
    """A subject or preheader in one language, and where it stands in the file: `column` is its first letter's.
    `plain`: written in one line, letter by letter, so that a place in it is a place in the file.
    """

    text: str
    line: int = 1
    column: int = 1
    plain: bool = False


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message.yaml, read. `subject` and `preheader` are per locale ('' when one serves all)."""

    name: str
    klass: MessageClass = "marketing"
    subject: Mapping[str, Line] = field(default_factory=dict)
    preheader: Mapping[str, Line] = field(default_factory=dict)
    sender: Sender | None = None
    priority: int = 100
    wording: Literal["latest", "pinned"] = "latest"
    purpose: str = "marketing"
    duplicates: Literal["allow", "avoid"] | None = None
    kind: str = "notice"

    @property
    def optional(self) -> bool:
        """True when the customer may stop it: everything but transactional."""
        return self.klass != "transactional"

    def core(self) -> Message:
        """What the contact policy needs of it."""
        return Message(self.name, self.klass, self.priority, self.purpose, self.duplicates)


def read_message(name: str, raw: bytes, file: str) -> tuple[MessageSpec | None, list[Problem]]:
    """Read one message.yaml. None when it cannot be used at all; every problem found is told."""
    document = load(file, raw)
    if not isinstance(document.root, Keys):
        missing = Problem(file, 1, 1, "T100", "message.yaml has to hold keys and values", "class: transactional")
        return None, list(document.problems) or [missing]
    reader = _Reader(file, document.root, list(document.problems))
    return reader.message(name), reader.problems


@dataclass(slots=True)
class _Reader:
    file: str
    root: Keys
    problems: list[Problem]

    def message(self, name: str) -> MessageSpec | None:
        for key, _ in self.root:
            if key.text not in _KEYS:
                self.say(key, "T101", f"unknown key '{key.text}'", suggest(key.text, _KEYS, "keys"))
        klass = self.choice("class", CLASSES, None)
        subject = self.lines("subject")
        if "subject" not in self.root:
            self.say(self.root, "T103", "the key 'subject' is missing", "subject: {es: …, en: …}")
        if "class" not in self.root:
            self.say(self.root, "T103", "the key 'class' is missing", f"one of: {', '.join(CLASSES)}")
        kind = self.choice("kind", _KINDS, "notice") or "notice"
        if klass == "transactional" and kind in _NEVER_TRANSACTIONAL:
            at = self.root.get("class") or self.root
            self.say(at, "T104", f"a {kind} is never transactional", "class: soft_opt_in, or marketing")
        if klass is None or not subject:
            return None
        return MessageSpec(
            name=name,
            klass=klass,
            subject=subject,
            preheader=self.lines("preheader"),
            sender=self.sender(),
            priority=self.priority(),
            wording=self.choice("wording", ("latest", "pinned"), "latest") or "latest",
            purpose=self.text("purpose") or "marketing",
            duplicates=self.choice("duplicates", ("allow", "avoid"), None),
            kind=kind,
        )

    def say(self, node: Node, code: str, message: str, help_: str) -> None:
        width = node.width if isinstance(node, Scalar) else 1
        self.problems.append(Problem(self.file, node.line, node.column, code, message, help_, width=width))

    def choice(self, key: str, known: tuple[Any, ...], default: Any) -> Any:
        node = self.root.get(key)
        if node is None:
            return default
        if node.plain() in known:
            return node.plain()
        self.say(node, "T102", f"'{key}' cannot be {node.says}", suggest(str(node.plain()), known, "one of"))
        return default

    def text(self, key: str) -> str:
        node = self.root.get(key)
        if node is None or (isinstance(node, Scalar) and isinstance(node.value, str)):
            return str(node.plain()) if node is not None else ""
        self.say(node, "T102", f"'{key}' has to be a text, not {node.says}", "")
        return ""

    def priority(self) -> int:
        node = self.root.get("priority")
        if node is None:
            return 100
        value = node.plain()
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.say(node, "T102", f"'priority' has to be a whole number, not {node.says}", "lower goes first; default 100")
        return 100

    def sender(self) -> Sender | None:
        text = self.text("sender")
        sender = Sender.parse(text) if text else None
        if text and sender is None:
            self.say(self.root.get("sender") or self.root, "T102", f"'{text}' is no sender", "Name <name@shop.example>")
        return sender

    def lines(self, key: str) -> dict[str, Line]:
        node = self.root.get(key)
        if node is None:
            return {}
        if isinstance(node, Scalar):
            return {"": _line(node)} if node.value is not None else {}
        if isinstance(node, Keys):
            return {locale.text: _line(text) for locale, text in node}
        self.say(node, "T102", f"'{key}' has to be a text, or one per language, not {node.says}", f"{key}: {{es: …}}")
        return {}


def _line(node: Node) -> Line:
    text = str(node.plain())
    plain = isinstance(node, Scalar) and node.width == len(text) + 2 * node.quoted
    return Line(text, node.line, node.column + (plain and isinstance(node, Scalar) and node.quoted), plain)
