"""SMTP against a real server on loopback: the pool, logins, TLS, refusals, and the bytes that arrive."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts" / "channels"))
from harness import envelope, mail_server

from postventa.channels.base import Refused
from postventa.channels.smtp import SmtpChannel, SmtpSettings
from postventa.errors import ChannelError

LONG = "https://mail.tiendaclara.example/u/" + "k7Q" * 60


async def yes() -> bool:
    return True


async def test_one_click_headers_arrive_on_one_line_and_unencoded() -> None:
    async with mail_server() as far:
        await far.channel.deliver(envelope(unsubscribe_url=LONG, feedback_id="thank-you:s:mail:tiendaclara"), yes)
        raw = far.contents[0]
        assert f"\r\nList-Unsubscribe: <{LONG}>\r\n".encode() in raw
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
        assert b"\r\nFeedback-ID: thank-you:s:mail:tiendaclara\r\n" in raw
        assert b"\r\nAuto-Submitted: auto-generated\r\n" in raw
        assert b"\r\nMessage-ID: <e1@tiendaclara.example>\r\n" in raw


async def test_what_arrives_reads_as_what_was_written() -> None:
    async with mail_server() as far:
        sent = envelope()
        await far.channel.deliver(sent, yes)
        mail: Any = message_from_bytes(far.contents[0], policy=default)
        assert mail["Subject"] == sent.subject
        assert mail["To"] == "Ana Núñez <ana@example.com>"
        assert mail.get_body(["plain"]).get_content().replace("\r\n", "\n") == sent.text
        assert mail.get_body(["html"]).get_content().replace("\r\n", "\n") == sent.html
        assert max(len(line) for line in far.contents[0].split(b"\r\n")) < 998
        assert b"\n" not in far.contents[0].replace(b"\r\n", b"")


async def test_a_line_break_in_a_name_adds_no_header() -> None:
    async with mail_server() as far:
        await far.channel.deliver(envelope(to_name='Ana "la"\r\nBcc: all@example.com'), yes)
        mail: Any = message_from_bytes(far.contents[0], policy=default)
        assert mail["Bcc"] is None
        assert mail["To"].addresses[0].addr_spec == "ana@example.com"


async def test_an_address_with_a_foreign_domain_is_written_as_servers_take_it() -> None:
    async with mail_server() as far:
        await far.channel.deliver(envelope(to="ana@españa.example"), yes)
        assert b"\r\nTo: =?utf-8?b?QW5hIE7DusOxZXo=?= <ana@xn--espaa-rta.example>\r\n" in far.contents[0]


@pytest.mark.parametrize(
    "url", ["http://shop.example/u/1", "mailto:u@shop.example", "https://a/ñ", "https://a/1>, <http://b"]
)
async def test_a_one_click_address_that_providers_would_not_take_is_refused(url: str) -> None:
    async with mail_server() as far:
        with pytest.raises(Refused, match="List-Unsubscribe"):
            await far.channel.deliver(envelope(unsubscribe_url=url), yes)


async def test_one_connection_serves_many_messages_and_the_pool_stays_small() -> None:
    async with mail_server(connections=3) as far:
        for number in range(4):
            await far.channel.deliver(envelope(f"a{number}"), yes)
        assert len(far.sessions) == 1
        await asyncio.gather(*(far.channel.deliver(envelope(f"b{number}"), yes) for number in range(30)))
        assert len(set(far.received)) == 34
        assert len(far.sessions) <= 3


async def test_a_connection_dropped_while_idle_is_replaced_without_a_word() -> None:
    async with mail_server() as far:
        await far.channel.deliver(envelope("e1"), yes)
        far.cut_rcpt = 1  # the kept connection dies under the next message
        assert (await far.channel.deliver(envelope("e2"), yes)).status == "sent"
        assert len(far.received) == 2


async def test_the_queue_id_is_kept_as_the_providers_name() -> None:
    async with mail_server() as far:
        receipt = await far.channel.deliver(envelope(), yes)
        assert receipt.provider_id == "4B1F2"


async def test_greylisting_is_retried_not_given_up() -> None:
    async with mail_server() as far:
        with pytest.raises(Refused) as refused:
            await far.channel.deliver(envelope(to="greylisted@example.com"), yes)
        assert (refused.value.permanent, refused.value.code, refused.value.enhanced) == (False, 451, "4.7.1")


@pytest.mark.parametrize(("answer", "permanent"), [("554 5.7.1 spam", True), ("452 4.3.1 full", False)])
async def test_a_clear_no_to_the_message_itself_is_no_doubt(answer: str, permanent: bool) -> None:
    async with mail_server() as far:
        far.data_answer = answer
        with pytest.raises(Refused) as refused:
            await far.channel.deliver(envelope(), yes)
        assert (refused.value.permanent, refused.value.phase) == (permanent, "before_intent")
        assert not refused.value.recipient


async def test_a_server_that_never_answers_the_message_leaves_it_in_doubt() -> None:
    async with mail_server(end_of_data_timeout=0.2) as far:

        async def silent(*_: Any) -> str:
            await asyncio.sleep(2)
            return "250 late"

        far.handle_DATA = silent  # type: ignore[method-assign]
        with pytest.raises(ChannelError) as lost:
            await far.channel.deliver(envelope(), yes)
        assert lost.value.phase == "after_intent"


async def test_nobody_at_the_port_is_told_with_place_and_advice() -> None:
    async with mail_server() as far:
        port = far.port
    channel = SmtpChannel(SmtpSettings("127.0.0.1", port, security="none", connect_timeout=5))
    with pytest.raises(ChannelError) as error:
        await channel.deliver(envelope(), yes)
    assert error.value.phase == "connect"
    assert str(port) in str(error.value)
    assert "smtp.host" in str(error.value)


def _clerk(known: str) -> dict[str, Any]:
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == known.encode(), handled=data.password == known.encode())

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_good_login_sends() -> None:
    async with mail_server(_clerk("secret"), username="shop", password="secret") as far:
        assert (await far.channel.deliver(envelope(), yes)).status == "sent"
        assert "shop" in await far.channel.check()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_refused_login_names_the_user_and_never_the_password() -> None:
    async with mail_server(_clerk("secret"), username="shop", password="wrong-pw") as far:
        with pytest.raises(ChannelError) as error:
            await far.channel.deliver(envelope(), yes)
        assert error.value.phase == "login"
        assert "'shop'" in str(error.value)
        assert "wrong-pw" not in str(error.value) + repr(far.channel.settings)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_starttls_encrypts_and_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    served, trusted = _certificate(tmp_path)
    options = {"tls_context": served, "require_starttls": True}
    async with mail_server(options, security="starttls", tls_context=trusted) as far:
        assert (await far.channel.deliver(envelope(), yes)).status == "sent"
    async with mail_server(options, security="starttls") as far:
        with pytest.raises(ChannelError) as error:
            await far.channel.deliver(envelope(), yes)
        assert error.value.phase == "connect"


def _certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    return served, trusted


async def test_a_message_cancelled_half_way_does_not_poison_the_pool() -> None:
    async with mail_server(connections=1) as far:
        started = asyncio.Event()

        async def slow() -> bool:
            started.set()
            await asyncio.sleep(60)
            return True

        task = asyncio.create_task(far.channel.deliver(envelope("e1"), slow))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await far.channel.deliver(envelope("e2"), yes)).status == "sent"
        assert far.received == ["<e2@tiendaclara.example>"]
