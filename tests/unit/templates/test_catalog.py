"""How a message is found (language, variant), what is wrong with its files, and what it reads."""

from __future__ import annotations

import pytest
from bundle import LINKS, META, catalog

from postventa.errors import PostventaError
from postventa.source.problem import Problem
from postventa.templates import Brand


def _found(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.where, problem.code) for problem in problems]


@pytest.mark.parametrize(
    ("wanted", "bodies", "got"),
    [
        ("pt-BR", ["pt-BR", "pt", "es"], "pt-BR"),
        ("pt-BR", ["pt", "es"], "pt"),
        ("pt", ["pt-BR", "es"], "pt-BR"),
        ("pt-PT", ["pt-BR", "es"], "pt-BR"),
        ("fr", ["en", "es"], "es"),
        ("fr", ["en", "it"], "en"),
        ("es_MX", ["en", "es"], "es"),
    ],
)
def test_the_nearest_language(wanted: str, bodies: list[str], got: str) -> None:
    subjects = ", ".join(f"{body}: {body}" for body in bodies)
    files = {f"m/{body}.md": body for body in bodies} | {
        "m/message.yaml": f"class: marketing\nsubject: {{{subjects}}}\n"
    }
    made, problems = catalog(files)
    assert {problem.code for problem in problems} <= {"T124"}
    mail = made.render("m", wanted, {"links": LINKS})
    assert (mail.locale, mail.subject) == (got, got)


def test_variants_by_folder_fall_back_to_the_messages_own() -> None:
    made, problems = catalog({"m/es.md": "general", "m/en.md": "general", "m/coffee/es.md": "café"})
    assert problems == []
    assert made.variants("m") == ["coffee"]

    def text(locale: str, variant: str | None) -> str:
        return made.render("m", locale, {"links": LINKS}, variant=variant).text.split("\n")[0]

    assert [text("es", "coffee"), text("es", "lamps"), text("es", None)] == ["café", "general", "general"]
    assert text("en", "coffee") == "general"  # a language the customer reads goes before the variant


def test_every_mistake_of_every_file_is_told_at_its_place_and_good_messages_go_on() -> None:
    made, problems = catalog({
        "a/message.yaml": "class: transactionel\nsubjet: x\n",
        "a/es.md": "x",
        "b/es.md": "uno\n\n{{ order.total | mony }}\n",
        "c/es.md": "uno\n\n{% if x %}\nsin fin\n",
        "d/es.md": "uno\n\n::: buton [a](b)\n\n::: button nada\n\n<b>gordo</b>\n",
        "e/message.yaml": "class: transactional\nkind: survey\nsubject: x\n",
        "e/es.md": "::: stars",
        "f/es.html": "<p>hola</p>",
        "g/es.md": "{% include 'x' %}{% macro a() %}{% endmacro %}",
        "h/en.md": "{% autoescape false %}x{% endautoescape %}",
        "i/message.yaml": "class: marketing\nsubject: {es: x}\n",
        "i/en.md": "x",
        "j/message.yaml": META + "kind: survey\n",
        "j/es.md": "¿Qué tal?",
        "k/es.md": "Date prisa:\n¡Última oportunidad!",
        "ok/es.md": "bien",
        "stray.md": "x",
    })  # fmt: skip
    assert _found(problems) == [
        ("templates/a/message.yaml:1:1", "T103"),
        ("templates/a/message.yaml:1:8", "T102"),
        ("templates/a/message.yaml:2:1", "T101"),
        ("templates/b/es.md:3:18", "T110"),
        ("templates/b/message.yaml:1:1", "T107"),
        ("templates/c/es.md:3:4", "T110"),
        ("templates/c/message.yaml:1:1", "T107"),
        ("templates/d/es.md:3:1", "T112"),
        ("templates/d/es.md:5:1", "T112"),
        ("templates/d/es.md:7:1", "T111"),
        ("templates/d/es.md:7:9", "T111"),
        ("templates/e/message.yaml:1:8", "T104"),
        ("templates/f/es.html:1:1", "T120"),
        ("templates/f/es.html:1:1", "T121"),
        ("templates/g/es.md:1:4", "T114"),
        ("templates/g/es.md:1:21", "T114"),
        ("templates/g/message.yaml:1:1", "T107"),
        ("templates/h/en.md:1:4", "T114"),
        ("templates/h/message.yaml:1:1", "T107"),
        ("templates/i/message.yaml:1:1", "T124"),
        ("templates/i/message.yaml:2:15", "T122"),
        ("templates/j/es.md:1:1", "T123"),
        ("templates/k/es.md:2:2", "T116"),
        ("templates/stray.md", "T105"),
    ]
    assert made.render("ok", "es", {"links": LINKS}).text.startswith("bien")


def test_slips_of_the_pen_get_the_nearest_name() -> None:
    _, problems = catalog(
        {"b/es.md": "{{ a | mony }}\n\n::: buton [a](b)\n", "b/message.yaml": META + "wordng: latest\n"}
    )
    told = " ".join(str(problem) for problem in problems)
    assert "did you mean 'wording'" in told
    assert "money" in told


def test_nothing_a_user_can_save_brings_the_catalog_down() -> None:
    for raw in ("", "\x00", "{{", "{%", "::: ", "[", "{% for %}", "{{ a.b.c }}" * 500, "# " * 5000, "{# nie zu"):
        made, _ = catalog({"x/es.md": raw, "ok/es.md": "bien"})
        assert "ok" in made


def test_readings_name_every_value_at_the_authors_line() -> None:
    body = (
        "{{ customer.first_name | default('') }}\n\n{% for line in order.lines %}\n- {{ line.name }}\n{% endfor %}\n\n"
        "::: tracking\n\n{% if order.number is defined %}{{ order.number }}{% endif %}\n"
    )
    made, _ = catalog({"m/es.md": body})
    found = {(r.path, r.line): r.guarded for r in made.readings("m")}
    assert found == {
        ("customer.first_name", 1): True,
        ("order.lines", 3): False,
        ("order.lines[].name", 4): False,
        ("shipment.carrier", 7): True,
        ("shipment.eta", 7): True,
        ("shipment.tracking_url", 7): True,
        ("order.number", 9): True,
    }


def test_an_unknown_message_is_told_with_the_nearest() -> None:
    made, _ = catalog({"thank-you/es.md": "x"})
    with pytest.raises(PostventaError, match="did you mean 'thank-you'"):
        made.render("thank-yu", "es", {})


def test_what_the_policy_needs_of_a_message() -> None:
    made, _ = catalog({"m/message.yaml": META + "priority: 5\npurpose: loyalty\nwording: pinned\n", "m/es.md": "x"})
    core = made.core_messages()["m"]
    assert (core.klass, core.priority, core.purpose, made.spec("m").wording) == ("soft_opt_in", 5, "loyalty", "pinned")
    assert str(made.sender("m")) == "Tienda Clara <hola@tiendaclara.example>"


def test_brand_mistakes_are_told_at_their_place_and_the_rest_is_kept() -> None:
    brand, problems = Brand.from_yaml(
        b"name: Clara\nsender: nobody\ncolours:\n  primary: red\n  text: '#aaaaaa'\nwebsit: x\nwebsite: clara\n"
    )
    assert _found(problems) == [
        ("brand.yaml:2:9", "B102"),
        ("brand.yaml:4:12", "B102"),
        ("brand.yaml:6:1", "B101"),
        ("brand.yaml:7:10", "B102"),
    ]
    assert brand.name == "Clara"
    _, weak = Brand.from_yaml(b"colours:\n  text: '#aaaaaa'\n")
    assert [(p.where, p.severity) for p in weak] == [("brand.yaml:2:3", "warning")]
