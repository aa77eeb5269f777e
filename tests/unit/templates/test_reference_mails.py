"""The reference shop's mails: no problems, every message in both languages, complete and without words we avoid."""

from __future__ import annotations

from pathlib import Path

import pytest

from postventa.templates import Brand, MessageCatalog
from postventa.templates.sample import sample_context

ROOT = Path(__file__).parents[3]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / "templates").rglob("*") if path.is_file()
}
BRAND, BRAND_PROBLEMS = Brand.from_yaml((ROOT / "brand.yaml").read_bytes())
CATALOG, PROBLEMS = MessageCatalog.from_files(FILES, BRAND, default_locale="es")


def test_the_files_have_no_problems() -> None:
    assert [str(problem) for problem in (*BRAND_PROBLEMS, *PROBLEMS)] == []


@pytest.mark.parametrize("locale", ["es", "en"])
@pytest.mark.parametrize("message", list(CATALOG))
def test_every_mail_renders_in_both_languages(message: str, locale: str) -> None:
    assert CATALOG.locales(message) == ["en", "es"]
    for variant in (None, *CATALOG.variants(message)):
        mail = CATALOG.render(message, locale, sample_context(locale), variant=variant)
        assert mail.locale == locale
        assert 3 < len(mail.subject) <= 60
        assert mail.preheader
        assert not [word for word in BRAND.avoid if word in mail.text.lower()]
        assert ("/m/u/" in mail.html) == CATALOG.spec(message).optional
        assert len(mail.html) < 60_000


@pytest.mark.parametrize("message", list(CATALOG))
def test_a_guest_without_a_name_gets_a_whole_sentence(message: str) -> None:
    context = sample_context()
    context["customer"].update(first_name=None, tier=None)
    context["shipment"].update(eta=None, tracking_url=None, carrier=None)
    context["order"].update(number=None, promised_at=None)
    context["reward"].update(expires_at=None)
    text = CATALOG.render(message, "es", context).text
    assert "Ana" not in text
    assert "None" not in text
    assert ", :" not in text


@pytest.mark.parametrize("message", list(CATALOG))
def test_no_mail_calls_another_server_for_its_looks(message: str) -> None:
    """MJML adds a style sheet of a web font service for every font it knows by name."""
    html = CATALOG.render(message, "es", sample_context()).html
    assert "@import" not in html
    assert "<link" not in html
