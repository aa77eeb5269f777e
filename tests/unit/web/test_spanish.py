"""Everything that marketers and operators read exists in Spanish, with the same names in braces, every reason too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import nodes

from postventa.web.pages import environment
from postventa.web.reasons import in_spanish
from postventa.web.spanish import TEXTS
from postventa.web.tongue import tongue

SRC = Path(__file__).resolve().parents[3] / "src" / "postventa"
PAGES = SRC / "web" / "pages"
SPEAKING = sorted(
    {*(SRC / "web").glob("*.py"), *(SRC / "cli" / f"{name}.py" for name in ("preview", "why", "diagram"))}
)
KINDS = [
    "order", "line", "customer", "shipment", "return", "ticket",  # subjects
    "sent", "pending", "claimed", "sending", "uncertain", "cancelled", "refused", "gave up",  # states of a mail
    "transactional", "soft opt in", "marketing",  # classes
    "completed", "exited", "goal", "restarted", "cancelled", "erased",  # ends of runs
    "Health", "Streams", "Mailbox", "Customers", "Journeys", "Messages", "Waiting room", "Dead letters",
]  # fmt: skip


def said_by_code(path: Path) -> Iterator[str]:
    """The first argument of every `t("…")`, `self.t("…")`; both words of `t.count(n, "one", "many")`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        args = node.args[1:3] if name.endswith("t.count") else node.args[:1] if name.split(".")[-1] == "t" else []
        for arg in args:
            yield from _constants(arg)


def _constants(arg: ast.expr) -> Iterator[str]:
    """The texts an argument can be; none of one that is put together."""
    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
        yield arg.value
    elif isinstance(arg, ast.IfExp):
        yield from _constants(arg.body)
        yield from _constants(arg.orelse)


def said_by_pages(path: Path) -> Iterator[str]:
    tree = environment().parse(path.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        counted = isinstance(call.node, nodes.Getattr) and call.node.attr == "count"
        spoken = isinstance(call.node, nodes.Name) and call.node.name == "t"
        for arg in call.args[1:3] if counted else call.args[:1] if spoken else []:
            for one in (arg.expr1, arg.expr2) if isinstance(arg, nodes.CondExpr) else (arg,):
                if isinstance(one, nodes.Const) and isinstance(one.value, str):
                    yield one.value


def test_every_text_has_its_spanish() -> None:
    said = {text for path in SPEAKING for text in said_by_code(path)}
    said |= {text for path in sorted(PAGES.glob("*.html")) for text in said_by_pages(path)}
    assert len(said) > 250
    missing = sorted(text for text in {*said, *KINDS} - TEXTS.keys() if re.search("[a-z]{2}", text))
    assert not missing, f"add them to web/spanish*.py: {missing}"


def test_a_translation_keeps_the_names_in_braces() -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    wrong = {text: spanish for text, spanish in TEXTS.items() if names(text) != names(spanish)}
    assert not wrong


def test_no_page_says_anything_in_english_alone() -> None:
    """Text between tags that is no expression: names of programs and signs stay, words do not."""
    loose = []
    for path in sorted(PAGES.glob("*.html")):
        if path.name in {
            "public.html",
            "survey.html",
            "thanks.html",
            "trouble.html",
            "unsubscribe.html",
            "preferences.html",
        }:
            continue  # customers' pages: see `words`
        tags = r"<(code|style)[^>]*>.*?</\1>|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>"
        text = re.sub(tags, "\n", path.read_text("utf-8"), flags=re.DOTALL)
        loose += [f"{path.name}: {word.strip()}" for word in text.splitlines() if re.search("[A-Za-z]{3}", word)]
    loose = [
        one
        for one in loose
        if one.partition(": ")[2]
        not in {
            "postventa",
            "UTC ·",
            "· postventa",
            "UTC",
            ", POST",
            "· postventa backtest",
            "· postventa preview",
            ".txt",
        }
    ]
    assert not loose


def reasons_of_the_core() -> list[str]:
    """Every reason in words that the core's own code gives, its parts filled in with something plausible."""
    found = []
    for path in sorted((SRC / "core").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Forbidden", "end", "withdraw", "turn.note"}:
                for arg in node.args[ast.unparse(node.func) == "turn.note" :]:
                    found += [text for text in _filled(arg) if " " in text]
    return sorted(set(found))


def _filled(arg: ast.expr) -> Iterator[str]:
    if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
        yield arg.value
    elif isinstance(arg, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else _plausible(ast.unparse(part)) for part in arg.values
        )
    elif isinstance(arg, ast.IfExp):
        yield from _filled(arg.body)
        yield from _filled(arg.orelse)


def _plausible(part: str) -> str:
    if "local_text" in part or "view_time" in part or "until" in part or "isoformat" in part:
        return "2026-03-02 10:00"
    if part.strip("{}") in {"number", "number + 1", "points", "left", "len", "cap.count"}:
        return "3"
    return "'order.paid'" if "!r" in part else "order.paid"


def test_every_reason_of_the_core_has_its_spanish() -> None:
    reasons = reasons_of_the_core()
    assert len(reasons) > 30
    missing = [reason for reason in reasons if in_spanish(reason) == reason and reason != "order.paid: order.paid"]
    assert not missing, f"add a pattern to web/reasons.py: {missing}"


@pytest.mark.parametrize(
    ("reason", "spanish"),
    [
        ("the cap of 3 per 7 days is reached", "se alcanzó el tope de 3 cada 7 días"),
        ("waited as long as if_blocked allows: the cap of 1 per 1 month is reached",
         "esperó todo lo que permite if_blocked: se alcanzó el tope de 1 cada 1 mes"),
        ("for order.delivered until 2026-04-01 10:00", "a que llegue order.delivered, hasta el 2026-04-01 10:00"),
        ("order.paid of 2026-03-02 10:00", "order.paid del 2026-03-02 10:00"),
        ("the customer objected", "el cliente se opuso"),
        ("something nobody foresaw", "something nobody foresaw"),
    ],
)  # fmt: skip
def test_reasons_keep_their_names_and_times(reason: str, spanish: str) -> None:
    assert in_spanish(reason) == spanish


def test_times_and_counts_are_said_in_the_language() -> None:
    t = tongue("es")
    assert t.when("2026-08-02T10:00:00Z") == "2 ago 2026, 10:00"
    assert t.count(1, "character", "characters") == "1 carácter"
    assert t.units("2 days 1 hour") == "2 días 1 hora"
    assert tongue("de")("Customers") == "Customers"
