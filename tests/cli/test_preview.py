"""`postventa preview` and `diagram`: what a marketer sees of a message and a journey before anybody gets one."""

from __future__ import annotations

import html as html_module
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from postventa import starter
from postventa.cli.main import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "events.jsonl"
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    starter.copy_to(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def say(shop: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def one(*words: str) -> tuple[int, str, str]:
        code = run([*words, "--project", str(shop)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return one


def spoil(shop: Path, file: str, old: str, new: str) -> None:
    path = shop / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_message_of_a_new_project_is_sound_in_every_language(say: Say, shop: Path, tmp_path: Path) -> None:
    code, told, error = say("preview", "--out", str(tmp_path / "out"))
    assert code == 0, error
    rows = json.loads((tmp_path / "out" / "previews.json").read_text(encoding="utf-8"))["previews"]
    assert {row["locale"] for row in rows} == {"es", "en"}
    assert {row["message"] for row in rows} == {path.name for path in (shop / "templates").iterdir()}
    assert {"tutorial", "tutorial.coffee"} <= {row["files"].rpartition(".")[0] for row in rows}
    assert not [row for row in rows if row["findings"]]
    for row in rows:
        html = (tmp_path / "out" / f"{row['files']}.html").read_text(encoding="utf-8")
        text = (tmp_path / "out" / f"{row['files']}.txt").read_text(encoding="utf-8")
        assert row["bytes"] == len(html.encode()) < 102 * 1024
        assert text.startswith(f"Subject: {row['subject']}\nPreheader: {row['preheader']}\n")
        assert row["subject_length"] == len(row["subject"])
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert f"{len(made)} files" in told
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link rel=.stylesheet|@import|src=.https?:", page)
    for row in rows:
        assert page.count(f'src="light/{row["files"]}.html"') == 2
        assert page.count(f'src="dark/{row["files"]}.html"') == 1
        assert row["subject"] in html_module.unescape(page)
    shown = set(re.findall(r'(?:src|href)="([^"#:]+)"', page))
    assert {one for one in shown if not (tmp_path / "out" / one).is_file()} == {"data:,"} & shown


def test_every_missing_value_is_told_at_its_line_not_only_the_first(say: Say, shop: Path) -> None:
    (shop / "templates/thank-you/es.md").write_text("# Hola\n\n{{ customer.nick }}\n\n{{ order.colour }}\n", "utf-8")
    code, told, error = say("preview", "thank-you")
    assert code == 1
    assert "thank-you.es  cannot be made" in told
    assert "templates/thank-you/es.md:3 'customer.nick' is missing" in error
    assert "templates/thank-you/es.md:5" in error
    assert "order.colour" in error
    assert "thank-you.en  subject" in told  # the other language is not touched by it


def test_what_gmail_would_cut_off_is_told(say: Say, shop: Path) -> None:
    spoil(shop, "templates/thank-you/es.md", "# Gracias, de verdad", "# Gracias\n\n{% for n in range(100) %}\n"
          + "Una línea muy larga que alguien pegó aquí sin mirar cuánto ocupa. " * 20 + "\n{% endfor %}\n")  # fmt: skip
    code, _, error = say("preview", "thank-you")
    assert code == 1
    assert "Gmail cuts a mail off at 102 kB" in error


def test_a_subject_that_is_too_long_is_told_at_its_line(say: Say, shop: Path) -> None:
    spoil(shop, "templates/thank-you/message.yaml", "Gracias por confiar en nosotros", "Gracias " * 9)
    code, told, _ = say("preview", "thank-you", "--json")
    assert code == 1
    (es, en) = json.loads(told)["previews"]
    assert [one["where"] for one in es["findings"]] == ["templates/thank-you/message.yaml:5"]
    assert "71 characters: 60 are shown" in es["findings"][0]["text"]
    assert en["findings"] == []


def test_a_language_without_a_text_is_told(say: Say, shop: Path) -> None:
    (shop / "templates/thank-you/en.md").unlink()
    code, _, error = say("preview", "thank-you")
    assert code == 1
    assert "there is no text in 'en': such customers get 'es'" in error


def test_a_past_event_from_a_file_is_what_the_mail_is_about(say: Say) -> None:
    code, told, _ = say("preview", "order-confirmation", "--events", str(SAMPLES), "--customer", "TC-10200")
    assert code == 0, told
    assert "TC-10200" in told
    assert "TC-10248" not in told  # that is the sample's
    first = next(json.loads(line) for line in SAMPLES.read_text("utf-8").splitlines() if "order.paid" in line)
    code, told, _ = say("preview", "thank-you", "--events", str(SAMPLES), "--customer", first["id"], "--json")
    assert {row["about"] for row in json.loads(told)["previews"]} == {"c-001, order/TC-10200"}
    code, _, error = say("preview", "thank-you", "--events", str(SAMPLES), "--customer", "nobody-at-all")
    assert (code, "nobody-at-all" in error) == (2, True)


def test_what_is_asked_for_has_to_exist(say: Say) -> None:
    code, _, error = say("preview", "thank-yuo")
    assert (code, "did you mean 'thank-you'?" in error) == (2, True)
    code, _, error = say("preview", "tutorial", "--variant", "coffe")
    assert (code, "coffee, cookware" in error) == (2, True)
    code, _, error = say("preview", "--customer", "ana")
    assert (code, "which message" in error) == (2, True)


def test_the_words_are_spanish_where_the_shop_says_so(say: Say, shop: Path) -> None:
    spoil(shop, "postventa.yaml", "shop: Tienda Clara\n", "shop: Tienda Clara\nlanguage: es\n")
    (shop / "templates/thank-you/en.md").unlink()
    code, told, error = say("preview", "thank-you")
    assert code == 1
    assert "asunto 31 caracteres, texto previo 51" in told
    assert "no hay texto en 'en'" in error
    (shop / "templates/thank-you/es.md").write_text("# Hola\n\n{{ customer.nick }}\n", "utf-8")
    _, told, error = say("preview", "thank-you")
    assert "no se puede componer" in told
    assert "falta 'customer.nick'" in error
    assert "is missing" not in error


# --- diagram ----------------------------------------------------------------------------------------------------------
def test_a_journey_is_drawn_in_three_forms(say: Say, tmp_path: Path) -> None:
    code, told, _ = say("diagram", "after-purchase", "--format", "svg")
    assert code == 0
    assert ET.fromstring(told).get("role") == "img"
    assert "prefers-color-scheme:dark" in told
    code, told, _ = say("diagram", "after-purchase", "--format", "mermaid")
    assert (code, told.startswith("flowchart TD\n")) == (0, True)
    out = tmp_path / "deep" / "page.html"
    code, told, error = say("diagram", "after-purchase", "--out", str(out))
    assert (code, told, "written" in error) == (0, "", True)
    page = out.read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("<svg") == 2  # one for a wide window, one for a phone


def test_a_journey_that_is_not_there_or_has_mistakes(say: Say, shop: Path) -> None:
    code, _, error = say("diagram", "after-purchse")
    assert (code, "did you mean 'after-purchase'?" in error) == (2, True)
    spoil(shop, "journeys/after-purchase.yaml", "  - wait: 5 days", "  - wait: 5 dais")
    code, _, error = say("diagram", "after-purchase")
    assert (code, "journeys/after-purchase.yaml:24" in error) == (1, True)
