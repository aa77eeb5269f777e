"""Surveys, loyalty.yaml, products.csv and postventa.yaml: read with positions, refused with place and repair."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postventa.core.journey import Cap, Duration, LocalTime, Tier, Window
from postventa.errors import ConfigError
from postventa.journeys.loyalty import load_loyalty
from postventa.journeys.products import load_products
from postventa.journeys.surveys import load_surveys
from postventa.settings import Settings, Smtp, keys, read_settings, secret
from postventa.source.problem import Problem

SURVEY = "survey: s\nkind: csat\nmessage: ask\nquestion: {es: '¿Qué tal?', en: 'How was it?'}\n"


def told(problems: list[Problem]) -> list[str]:
    return [f"{problem.line}:{problem.column} {problem.code} {problem.message}" for problem in problems]


# --- surveys ---------------------------------------------------------------------------------------------------------
def test_a_survey_has_the_scale_of_its_kind() -> None:
    pages, problems = load_surveys({"surveys/s.yaml": SURVEY}, {"ask": 1}, ("es", "en"))
    assert problems == []
    assert (pages["s"].core.low, pages["s"].core.high, pages["s"].core.message) == (1, 5, "ask")
    nps, _ = load_surveys({"surveys/s.yaml": SURVEY.replace("csat", "nps")}, {"ask": 1})
    assert (nps["s"].core.low, nps["s"].core.high) == (0, 10)


def test_the_nearest_language_is_shown() -> None:
    page = load_surveys({"surveys/s.yaml": SURVEY}, {"ask": 1})[0]["s"]
    assert [page.text(page.question, locale) for locale in ("en-GB", "es", "fr")] == [
        "How was it?",
        "¿Qué tal?",
        "¿Qué tal?",
    ]
    assert page.text({}, "es") == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("survey: s", "survey: t"), "1:9 V101 the survey is called 't', its file 's.yaml'"),
        (("kind: csat", "kind: cast"), "2:7 V105 'kind' has to be one of: nps, csat, ces, stars, choice, text"),
        (("message: ask\n", ""), "1:1 V103 the key 'message' is missing"),
        (("message: ask", "message: aks"), "3:10 V202 unknown message 'aks'"),
        (("message", "mesage"), "3:1 V104 unknown key 'mesage'"),
        (
            ("kind: csat", "kind: csat\nscale: {from: 5, to: 1}"),
            "3:8 V105 'scale': a scale goes up, by 10 at most; found 5 to 1",
        ),
    ],
)
def test_a_bad_survey_is_left_out_and_told(change: tuple[str, str], expected: str) -> None:
    files = {"surveys/s.yaml": SURVEY.replace(*change), "surveys/t.yaml": SURVEY.replace("survey: s", "survey: t")}
    pages, problems = load_surveys(files, {"ask": 1})
    assert expected in told(problems)
    assert list(pages) == ["t"]


def test_a_language_without_a_question_is_a_warning() -> None:
    pages, problems = load_surveys({"surveys/s.yaml": SURVEY}, {"ask": 1}, ("es", "pt-BR"))
    assert [problem.severity for problem in problems] == ["warning"]
    assert "s" in pages


# --- loyalty ---------------------------------------------------------------------------------------------------------
def test_loyalty() -> None:
    form, problems = load_loyalty(
        "expire: 12 months\ntiers: [{name: gold, from: 500}, {name: base, from: 0}]\n"
        "rewards:\n  w-10: {codes: generated, prefix: CLARA-}\n  f: {codes: file, file: codes/f.txt}\n"
    )
    assert problems == []
    assert form is not None
    core = form.core()
    assert (core.expire, core.tiers) == (Duration(months=12), (Tier("base", 0), Tier("gold", 500)))
    assert (core.rewards["w-10"].prefix, core.rewards["f"].codes) == ("CLARA-", "file")


def test_a_reward_needs_the_source_of_its_codes() -> None:
    form, problems = load_loyalty(
        "rewards:\n  w:\n    codes: file\n  x:\n    codes: webhook\n    url: https://x.example\n"
    )
    assert form is None
    assert [line.split(" ", 1)[0] for line in told(problems)] == ["3:5", "6:5"]
    assert "codes: file" in problems[0].message


# --- products --------------------------------------------------------------------------------------------------------
def test_products() -> None:
    found, problems = load_products(
        b'\xef\xbb\xbfsku,name,warranty_months,goes_with,colour\nA,"Pot, big",36,B C,red\n\nB,,,,\n'
    )
    assert problems == []
    assert found["A"] == {
        "sku": "A", "name": "Pot, big", "warranty_months": 36, "goes_with": ["B", "C"], "colour": "red",
    }  # fmt: skip
    assert found["B"] == {"sku": "B"}


def test_bad_products_are_told_with_their_line() -> None:
    found, problems = load_products(b"sku,name,warranty_months\nA,x,long\nA,y,1\n,z,1\nB,a,1,2\n")
    assert [(problem.line, problem.code) for problem in problems] == [
        (2, "P104"),
        (3, "P103"),
        (4, "P105"),
        (5, "P102"),
    ]
    assert found["A"] == {"sku": "A", "name": "x"}
    assert [problem.code for problem in load_products(b"ksu,name\n")[1]] == ["P101"]
    assert [problem.code for problem in load_products(b"sku\n\xff\n")[1]] == ["P101"]


# --- settings --------------------------------------------------------------------------------------------------------
GOOD = """\
shop: Tienda
locale: es
locales: [en]
timezone: Europe/Madrid
currency: EUR
caps: [{emails: 2, per: 7 days}, {messages: 9, per: 1 month}]
windows: [{from: "21:00", to: "00:30", days: [weekdays]}]
live_from: 2026-03-01T00:00:00+01:00
groups: {care: [ayuda@tienda.example]}
public_url: https://correo.tienda.example/
channels:
  email: {kind: smtp, host: smtp.example.com, password_env: SMTP_PASSWORD, from: Tienda <hola@tienda.example>}
"""


def test_settings_become_what_the_core_decides_by() -> None:
    settings, problems, _ = read_settings(GOOD)
    assert problems == []
    shop = settings.core()
    assert shop.caps == (Cap(2, Duration(days=7)), Cap(9, Duration(months=1), None))
    assert shop.windows == (Window(LocalTime(21), LocalTime(0, 30), frozenset(range(5))),)
    assert shop.live_from == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert shop.groups == {"care": ("ayuda@tienda.example",)}
    assert settings.public_url == "https://correo.tienda.example"
    assert settings.all_locales == ("es", "en")
    assert isinstance(settings.channels.email, Smtp)
    assert settings.channels.email.port == 587


def test_the_first_publish_is_live_from_unless_the_file_says() -> None:
    first = datetime(2026, 5, 1, tzinfo=UTC)
    assert Settings().core(first).live_from == first
    assert read_settings(GOOD)[0].core(first).live_from == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("shop:", "shpo:"), "1:1 S104 unknown key 'shpo'"),
        (("Europe/Madrid", "Europe/Madird"), "4:11 S105 'timezone': no time zone is called 'Europe/Madird'"),
        (("7 days", "7 dais"), "6:25 S105 'per': '7 dais' is not a duration: unknown unit 'dais'"),
        (('"00:30"', '"24:30"'), "7:31 S105 'to': '24:30' is not a time of day"),
        (("+01:00", ""), "8:12 S105 'live_from': a moment needs its offset"),
        (("public_url: https://correo.tienda.example/\n", ""), "11:17 S106 a real mail channel without 'public_url'"),
        (("kind: smtp", "kind: pigeon"), "12:10 S105"),
        (("password_env", "password"), "12:47 S104 unknown key 'password'"),
        (("emails: 2, ", ""), "6:8 S105"),
        (("EUR", "euro"), "5:11 S105"),
    ],
)
def test_a_wrong_setting_is_told_where_it_stands(change: tuple[str, str], expected: str) -> None:
    _, problems, _ = read_settings(GOOD.replace(*change))
    assert any(line.startswith(expected) for line in told(problems)), told(problems)


def test_a_password_in_the_file_is_told_where_it_belongs() -> None:
    _, problems, _ = read_settings(GOOD.replace("password_env", "password"))
    assert "password_env: NAME" in problems[0].help


def test_no_settings_is_a_problem() -> None:
    assert [problem.code for problem in read_settings(None)[1]] == ["S107"]


def test_secrets_come_from_the_environment() -> None:
    assert secret(None, {}) is None
    assert secret("A", {"A": "x"}) == "x"
    with pytest.raises(ConfigError, match="not set"):
        secret("A", {})
    assert keys(Settings(), {"POSTVENTA_KEYS": "new, old"}) == ("new", "old")
    assert keys(Settings(), {}) == ()
