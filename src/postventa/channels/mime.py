"""An Envelope becomes the bytes of a mail: two parts, the headers mailbox providers ask for, nothing foldable folded.

`EmailMessage` would encode a long List-Unsubscribe into `=?utf-8?q?…`, and one-click stops working; so headers are
written here, one line each, and checked. Parts are quoted-printable, which binascii does in C.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import UTC
from email.header import Header
from email.utils import format_datetime

from postventa.channels.base import Envelope, Refused

_BREAK = re.compile(r"[\r\n\x00]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,76}\Z")
_ADDRESS = re.compile(r"[^\s<>\"(),:;\\\[\]]+@[^\s<>@\"(),:;\\\[\]]+\Z")
_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+\Z")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])[:/]")
_LONGEST_LINE = 900  # RFC 5322 stops at 998
_OURS = frozenset({
    "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted",
    "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "bcc", "cc", "sender",
    "return-path",
})  # fmt: skip


def mime_bytes(envelope: Envelope) -> bytes:
    """The mail, CRLF throughout. Refused (permanent) where a header holds a line break or an address is none."""
    boundary = _boundary(envelope)
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(envelope, boundary))
    parts = (("plain", envelope.text), ("html", envelope.html))
    body = b"".join(_part(kind, content, boundary) for kind, content in parts)
    return b"%s\r\n%s--%s--\r\n" % (head.encode("ascii"), body, boundary.encode())


def _headers(envelope: Envelope, boundary: str) -> Iterator[tuple[str, str]]:
    yield "From", _mailbox("From", envelope.sender_name, envelope.sender)
    yield "To", _mailbox("To", envelope.to_name, envelope.to)
    if envelope.reply_to:
        yield "Reply-To", _mailbox("Reply-To", "", envelope.reply_to)
    yield "Subject", _words("Subject", envelope.subject)
    yield "Date", format_datetime(envelope.date.astimezone(UTC))
    yield "Message-ID", _plain("Message-ID", envelope.message_id)
    yield "Auto-Submitted", "auto-generated"
    if envelope.unsubscribe_url is not None:
        yield "List-Unsubscribe", f"<{_one_click(envelope.unsubscribe_url)}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    if envelope.feedback_id:
        yield "Feedback-ID", _plain("Feedback-ID", envelope.feedback_id)
    if envelope.locale:
        yield "Content-Language", _plain("Content-Language", envelope.locale)
    for name, value in envelope.headers.items():
        if not _HEADER_NAME.match(name) or name.lower() in _OURS:
            raise Refused(f"the header '{name[:40]!r}' cannot be added to a mail")
        yield name, _words(name, value)
    yield "MIME-Version", "1.0"
    yield "Content-Type", f'multipart/alternative; boundary="{boundary}"'


def _part(kind: str, content: str, boundary: str) -> bytes:
    unix = content.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    encoded = binascii.b2a_qp(unix, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = (
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + encoded + b"\r\n"  # this last line break belongs to the boundary


def _boundary(envelope: Envelope) -> str:
    """Fixed by the message, so that every attempt has the same bytes; `=_` cannot occur in quoted-printable."""
    seed = f"{envelope.message_id} {envelope.html}".encode("utf-8", "replace")
    return f"=_{binascii.crc32(seed):08x}{len(seed):08x}"


def _plain(name: str, value: str) -> str:
    if _BREAK.search(value):
        raise Refused(f"the header {name} holds a line break: {value[:60]!r}")
    if not value.isascii() or len(value) > _LONGEST_LINE:
        raise Refused(f"the header {name} has to be plain ASCII of at most {_LONGEST_LINE} characters: {value[:60]!r}")
    return value


def _words(name: str, value: str) -> str:
    """Free text: encoded words (folded) where it is not ASCII or long."""
    if _BREAK.search(value):
        raise Refused(f"the header {name} holds a line break: {value[:60]!r}")
    if value.isascii() and len(value) <= 200 and "=?" not in value:
        return value
    try:
        return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
    except UnicodeEncodeError:
        raise Refused(f"the header {name} holds half a character: {value[:60]!r}") from None


def _mailbox(name: str, display: str, address: str) -> str:
    if not _ADDRESS.match(address) or _BREAK.search(address):
        raise Refused(f"{name}: {address[:80]!r} is not a mail address", recipient=name == "To", code=553)
    if not address.isascii():
        address = ascii_address(address) or address
    if not address.isascii():
        raise Refused(
            f"{name}: {address[:80]!r} has letters before the @ that few servers take", recipient=True, code=553
        )
    display = " ".join(display.split())  # a name is data: a line break in it is no reason to lose the mail
    if not display:
        return address
    if not display.isascii():
        return f"{_words(name, display)} <{address}>"
    quoted = _words(name, display).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def ascii_address(address: str) -> str | None:
    """The address with its domain in IDNA; None when the part before the @ is not ASCII or the domain is none."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}" if local.isascii() else None
    except UnicodeError:
        return None


def _one_click(url: str) -> str:
    """RFC 8058: one https address, exact, on one line. http is taken on loopback only, to try things out."""
    if not _URL.match(url) or len(url) > _LONGEST_LINE:
        raise Refused(f"List-Unsubscribe needs one plain https address, not {url[:80]!r}")
    if not url.startswith("https://") and not _LOCAL.match(url):
        raise Refused(f"List-Unsubscribe needs https, not {url[:80]!r} (set public_url)")
    return url
