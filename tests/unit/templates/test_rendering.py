"""What a customer gets: data stays data, gaps are errors, money and dates are theirs, links are exact."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from bundle import LINKS, catalog, render

from postventa.templates import RenderError

EVIL = [
    "[x](http://evil)",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    '" onload="x',
    "**bold**",
    "::: button [a](b)",
    "&lt;",
    "\x02javascript:x\x03",
]


@pytest.mark.parametrize("name", EVIL)
def test_a_customers_name_stays_text(name: str) -> None:
    mail = render(
        "Hola, {{ customer.first_name }}. [Mira](https://a.example/?n={{ customer.first_name }})",
        {"customer": {"first_name": name}},
    )
    assert "<script>" not in mail.html
    assert 'href="http://evil"' not in mail.html
    assert "<strong>bold" not in mail.html
    assert 'onload="x' not in mail.html
    assert "49" not in mail.text.split("--")[0]
    assert f"Hola, {name}.".translate({2: None, 3: None}) in mail.text


def test_money_dates_and_times_are_the_customers() -> None:
    body = "{{ order.total | money }} · {{ order.at | date }} · {{ order.at | date('long') }} · {{ order.at | time }}"
    context = {"order": {"total": "1299.50", "currency": "EUR", "at": "2026-03-14T23:30:00Z"}}
    assert (
        render(body, context, zone="Europe/Madrid")
        .text.replace("\xa0", " ")
        .startswith("1.299,50 € · domingo, 15 de marzo · 15 de marzo de 2026 · 0:30")
    )
    made, _ = catalog({"m/en.md": body})
    english = made.render("m", "en-US", {"links": LINKS, **context}, zone="America/New_York").text.replace(
        "\u202f", " "
    )
    assert english.startswith("€1,299.50 · Saturday, March 14 · March 14, 2026 · 7:30 PM")


def test_the_customers_own_zone_is_taken_when_none_is_given() -> None:
    context = {"customer": {"timezone": "Atlantic/Canary"}, "at": "2026-03-14T23:30:00Z"}
    assert render("{{ at | time }}", context).text.startswith("23:30")


def test_a_missing_value_is_told_with_file_line_path_and_what_there_is() -> None:
    body = "# Hola\n\nUna línea.\n\n{% if order.paid %}\n- Llega el {{ order.promised_at }}\n{% endif %}\n"
    with pytest.raises(RenderError) as error:
        render(body, {"order": {"paid": True, "placed_at": "x", "promise_at": "y"}})
    assert error.value.where == "templates/m/es.md:6"
    assert error.value.variable == "order.promised_at"
    assert "did you mean 'promise_at'" in str(error.value)
    assert "placed_at" in str(error.value)


def test_null_counts_as_missing() -> None:
    with pytest.raises(RenderError, match=r"'customer.first_name' is missing"):
        render("Hola, {{ customer.first_name }}", {"customer": {"first_name": None}})
    assert render("Hola{{ customer.a.b | default('!') }}", {"customer": {"a": None}}).text.startswith("Hola!")


def test_a_field_called_like_a_method_is_the_field() -> None:
    assert render("{{ order.items }} {{ order.keys }}", {"order": {"items": "tres", "keys": "dos"}}).text.startswith(
        "tres dos"
    )
    with pytest.raises(RenderError, match=r"order\.items"):
        render("{{ order.items }}", {"order": {"total": "1"}})


def test_a_whole_thing_is_never_printed() -> None:
    with pytest.raises(RenderError, match="whole thing"):
        render("{{ order }}", {"order": {"total": "1"}})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{% for a in range(1000) %}x{% endfor %}", "range is limited"),
        ("{{ 'a' * 100000000 }}", "repeating"),
        ("{{ 10 ** 100000 }}", "not available"),
        ("{{ ''.__class__.__mro__ }}", "missing|unsafe"),
        ("{% for a in range(99) %}{% for b in range(99) %}{{ 'x' * 99 }}{% endfor %}{% endfor %}", "grew over"),
        ("{{ order.total | money }}", "not a number"),
        ("{{ order.total | date }}", "not a time"),
        ("[a](javascript:alert(1)) [b]({{ order.url }})", "not a web address"),
    ],
)
def test_limits_and_wrong_values_end_in_a_clear_error(body: str, reason: str) -> None:
    with pytest.raises(RenderError, match=reason) as error:
        render(body, {"order": {"total": "much", "url": "javascript:alert(1)"}})
    assert "templates/m/es.md" in str(error.value)


def test_a_mail_is_not_given_up_because_the_process_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that sleeps, a worker that is stopped: the limit is for templates that work without end."""
    monkeypatch.setattr("postventa.templates.render.SLOWEST", 0.1)

    class Names:
        def __iter__(self) -> Iterator[str]:
            for name in "abc":
                time.sleep(0.1)
                yield name

    assert "a b c" in render("{% for name in names %}{{ name }} {% endfor %}", {"names": Names()}).text
    endless = "{% for a in names %}{% for b in names %}{{ b }}{% endfor %}{% endfor %}"
    with pytest.raises(RenderError, match="rendering took more"):
        render(endless, {"names": [""] * 2000})


def test_utm_goes_on_the_shops_own_pages_only() -> None:
    body = "[uno](https://www.tiendaclara.example/a?b=1#c) [dos](https://carrier.example/t)\n"
    body += "[tres]({{ links.unsubscribe }})\n\n::: stars\n"
    mail = render(body)
    assert "https://www.tiendaclara.example/a?b=1&amp;utm_source=postventa&amp;utm_campaign=m#c" in mail.html
    assert "https://www.tiendaclara.example/a?b=1&utm_source=postventa&utm_campaign=m#c" in mail.text
    for exact in ("https://carrier.example/t", LINKS["unsubscribe"], "https://tiendaclara.example/m/a/1?s=5"):
        assert f'href="{exact}"' in mail.html
    assert not re.search(r"/m/[^\"\s]*utm_", mail.html + mail.text)


def test_subject_and_preheader_are_one_line_whatever_the_data() -> None:
    made, problems = catalog({"m/message.yaml": "class: transactional\nsubject: 'Hola {{ n }}'\n", "m/es.md": "x"})
    assert problems == []
    assert made.render("m", "es", {"n": "a\r\nBcc: x\x00"}).subject == "Hola a Bcc: x"


def test_a_loop_over_lines_with_a_block_inside() -> None:
    body = (
        "{% for line in lines %}\n## {{ line.name }}\n"
        "{% if line.url is defined %}\n::: button [Ver]({{ line.url }})\n{% endif %}\n{% endfor %}\n"
    )
    mail = render(body, {"lines": [{"name": "Uno", "url": "https://a.example/1"}, {"name": "Dos"}]})
    assert mail.html.count("https://a.example/1") == 1
    assert mail.text.startswith("Uno\n\nVer: https://a.example/1\n\nDos\n")
    assert "<p></p>" not in mail.html


def test_html_bodies_are_used_whole_and_their_text_is_derived() -> None:
    body = (
        '<html><body><h1>Hola {{ n }}</h1><ul><li>uno</li></ul><a href="{{ links.unsubscribe }}">Baja</a>'
        "<p>{{ brand.postal_address }}</p></body></html>"
    )
    mail = render(body, {"n": "<b>"}, file="m/es.html")
    assert "<h1>Hola &lt;b&gt;</h1>" in mail.html
    assert mail.text == f"Hola <b>\n\n- uno\n\nBaja: {LINKS['unsubscribe']}\n\nCalle del Olmo 12, Madrid\n"


def test_an_own_text_part_wins() -> None:
    made, problems = catalog({"m/es.md": "# Hola", "m/es.txt": "A mano, {{ n }}\n"})
    assert problems == []
    assert made.render("m", "es", {"n": "Ana", "links": LINKS}).text == "A mano, Ana\n"


def test_mail_layout_has_what_phones_dark_mode_and_the_law_need() -> None:
    html = render("# Hola").html
    for piece in (
        "prefers-color-scheme: dark",
        'lang="es"',
        "max-width:479px",
        LINKS["unsubscribe"],
        "Calle del Olmo 12",
    ):
        assert str(piece) in html
    assert "<mj-" not in html


def test_transactional_mail_offers_nothing_to_stop() -> None:
    made, _ = catalog({"m/message.yaml": "class: transactional\nsubject: Hola\n", "m/es.md": "x"})
    assert "No recibir" not in made.render("m", "es", {}).html
