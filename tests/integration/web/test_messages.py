"""The pages of the messages: as a customer would see them, in each language, light and dark, and what to mend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from postventa.project import Project
from postventa.web.previews import in_scheme
from postventa.web.private import private_app

PAGE = {"Accept": "text/html"}
FACTS = {"Accept": "application/json"}


async def test_every_message_is_listed_with_who_sends_it(web: Any, private: httpx.AsyncClient) -> None:
    rows = (await private.get("/messages", headers=FACTS)).json()["messages"]
    assert [row["message"] for row in rows] == list(web.services.project().messages)
    tutorial = next(row for row in rows if row["message"] == "tutorial")
    assert (tutorial["sent_by"], tutorial["variants"]) == (["product-tutorial"], ["coffee", "cookware"])
    assert not [row for row in rows if row["findings"]]
    assert "/messages/tutorial" in (await private.get("/messages", headers=PAGE)).text


async def test_a_message_has_its_lengths_and_three_frames(private: httpx.AsyncClient) -> None:
    facts = (await private.get("/messages/thank-you?locale=en", headers=FACTS)).json()
    assert facts["preview"]["subject"] == "Thank you for choosing us"
    assert facts["preview"]["subject_length"] == 25
    assert facts["text"].startswith("Thank you, truly")
    page = (await private.get("/messages/thank-you?locale=en", headers=PAGE)).text
    assert page.count("<iframe") == 3
    assert "scheme=dark" in page
    assert "<option selected>en</option>" in page


async def test_the_frames_show_the_light_and_the_dark_whatever_the_reader_prefers(private: httpx.AsyncClient) -> None:
    light = await private.get("/messages/thank-you/html?scheme=light")
    dark = await private.get("/messages/thank-you/html?scheme=dark")
    assert "prefers-color-scheme" not in light.text.replace("supported-color-schemes", "")
    assert ("@media not all" in light.text, "@media all" in dark.text) == (True, True)
    assert "sandbox" in dark.headers["content-security-policy"]
    assert "script" not in dark.headers["content-security-policy"]
    assert in_scheme("a", dark=True) == "a"


async def test_a_customer_of_the_store_is_what_the_mail_is_about(web: Any, private: httpx.AsyncClient) -> None:
    who = await web.order(1, "Ana", "en")
    await web.order(2, "Bruno")
    facts = (await private.get(f"/messages/order-confirmation?customer={who}", headers=FACTS)).json()
    assert facts["preview"]["about"] == f"{who}, order/o-1"
    assert facts["asked"]["locale"] == "en"  # hers, unless another is asked for
    assert "TC-1" in facts["text"]
    by_order = (await private.get("/messages/order-confirmation?customer=o-2", headers=FACTS)).json()
    assert by_order["preview"]["about"] == "c-2, order/o-2"
    # one that she has not got yet: made as her journey would make it
    later = (await private.get(f"/messages/satisfaction?customer={who}", headers=FACTS)).json()
    assert "TC-1" in later["text"]
    nobody = (await private.get("/messages/thank-you?customer=nobody", headers=PAGE)).text
    assert "nobody is called" in nobody
    assert nobody.count("<iframe") == 3  # of the sample, instead


async def test_a_message_that_cannot_be_made_says_what_is_missing_and_where(web: Any, connect: Any) -> None:
    files = dict(web.services.project().files)
    files["templates/thank-you/es.md"] = b"# Hola\n\n{{ customer.nick }}\n"
    project = Project.from_files(files)
    broken = replace(web.services, project=lambda: project, language="es")
    async with connect(private_app(broken)) as browser:
        page = (await browser.get("/messages/thank-you", headers=PAGE)).text
        assert "templates/thank-you/es.md:3" in page
        assert "customer.nick" in page
        assert "<iframe" not in page
        assert (await browser.get("/messages/thank-you/html")).status_code == 404
        assert "cosas que arreglar" in (await browser.get("/messages", headers=PAGE)).text
        assert (await browser.get("/messages/nothing", headers=PAGE)).status_code == 404


async def test_what_customers_typed_stays_text_in_a_preview(web: Any, private: httpx.AsyncClient) -> None:
    who = await web.order(1, "Ana", first_name="<b>Ana</b>")
    html = (await private.get(f"/messages/thank-you/html?customer={who}")).text
    assert "<b>Ana</b>" not in html
    assert "&lt;b&gt;Ana&lt;/b&gt;" in html
