"""Signed links for customers: one purpose each, short enough for a mail header, no personal data in them.

A token names an effect (the mail it stands in) or a customer's alias; the store knows who that is. For an effect it is
36 bytes, 48 signs in a URL: version and purpose, a tag of the key, the last day, the name, 128 bits of HMAC-SHA256.
`POSTVENTA_KEYS` holds `id:secret,id2:secret2`: the first key signs, all of them verify, so keys can be rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from postventa.errors import ConfigError, PostventaError

ENVIRONMENT = "POSTVENTA_KEYS"
Purpose = Literal["answer", "preferences", "unsubscribe"]
Why = Literal["forged", "expired", "purpose"]

PATHS: Mapping[Purpose, str] = {"answer": "/a/", "preferences": "/p/", "unsubscribe": "/u/"}
LIFETIME: Mapping[Purpose, timedelta | None] = {
    "answer": timedelta(days=180),
    "preferences": timedelta(days=730),
    "unsubscribe": None,  # whoever keeps a mail for ten years may still say no
}
"""How long a link works; None is for ever."""

_PURPOSES: tuple[Purpose, ...] = ("answer", "preferences", "unsubscribe")
_VERSION, _MAC, _HEAD = 1, 16, 4
_EPOCH = date(2020, 1, 1)
_LONGEST = 255
_SHORTEST_SECRET = 16


class TokenError(PostventaError):
    """A link that may not act: `why` is "forged" (also cut off), "expired", or "purpose" (meant for another page)."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Key:
    """One secret under the name it is rotated by."""

    id: str
    secret: bytes

    @property
    def tag(self) -> int:
        """One byte that finds the key again. Two keys may share it: then both are tried."""
        return hashlib.blake2b(self.id.encode(), digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens. The first key signs, every key verifies."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, text: str) -> Tokens:
        """From `id:secret,id2:secret2`. Raises ConfigError."""
        keys: list[Key] = []
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, colon, secret = part.partition(":")
            if not colon or not name.strip():
                raise ConfigError("a key has no name", ENVIRONMENT, "write it as 2026a:<secret>")
            if len(secret.strip()) < _SHORTEST_SECRET:
                raise ConfigError(f"the secret of key {name!r} is shorter than 16 signs", ENVIRONMENT, _advice())
            keys.append(Key(name.strip(), secret.strip().encode()))
        if not keys:
            raise ConfigError("no key to sign customers' links with", ENVIRONMENT, _advice())
        if len({key.id for key in keys}) < len(keys):
            raise ConfigError("two keys have the same name", ENVIRONMENT, "name each key once, the newest first")
        return cls(tuple(keys))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Tokens:
        """From the variable POSTVENTA_KEYS. Raises ConfigError."""
        return cls.parse(environment.get(ENVIRONMENT, ""))

    def make(self, purpose: Purpose, name: str, now: datetime) -> str:
        """A token for an effect id (32 hex digits) or a customer's alias. Works until the end of its last day (UTC)."""
        body = _head(purpose, self.keys[0], now) + _packed(name)
        return _text(body + _mac(self.keys[0], body))

    def read(self, purpose: Purpose, token: str, now: datetime) -> str:
        """The name in it. Raises TokenError, the same for a wrong sign as for a wrong signature."""
        raw = _bytes(token)
        body, mac = raw[:-_MAC], raw[-_MAC:]
        good = [hmac.compare_digest(_mac(key, body), mac) for key in self.keys if key.tag == body[1]]
        if not any(good) or body[0] >> 4 != _VERSION:
            raise TokenError("forged", "this link was not made by us, or a part of it is missing")
        if _PURPOSES.index(purpose) != body[0] & 15:
            raise TokenError("purpose", "this link belongs to another page")
        last = int.from_bytes(body[2:_HEAD], "big")
        if last and now.astimezone(UTC).date() > _EPOCH + timedelta(days=last):
            raise TokenError("expired", "this link is too old")
        return _unpacked(body[_HEAD:])

    def url(self, base: str, purpose: Purpose, name: str, now: datetime, *, score: int | None = None) -> str:
        """The whole link below the public address. `score` is only shown as chosen; nothing is recorded by opening."""
        query = "" if score is None else f"?score={score}"
        return base.rstrip("/") + PATHS[purpose] + self.make(purpose, name, now) + query


def new_keys(name: str = "1") -> str:
    """A fresh random value for POSTVENTA_KEYS."""
    return f"{name}:{secrets.token_urlsafe(24)}"


def _advice() -> str:
    return "set it to a name and a random secret, such as 2026a:$(openssl rand -hex 24)"


# --- bytes -----------------------------------------------------------------------------------------------------------
def _head(purpose: Purpose, key: Key, now: datetime) -> bytes:
    span = LIFETIME[purpose]
    last = 0 if span is None else ((now + span).astimezone(UTC).date() - _EPOCH).days
    return bytes((_VERSION << 4 | _PURPOSES.index(purpose), key.tag)) + min(max(last, 0), 0xFFFF).to_bytes(2, "big")


def _mac(key: Key, body: bytes) -> bytes:
    return hmac.digest(key.secret, b"postventa/token\0" + body, "sha256")[:_MAC]


def _packed(name: str) -> bytes:
    """An effect id as its 16 bytes, anything else as text behind a zero and never 16 bytes long."""
    try:
        raw = bytes.fromhex(name) if len(name) == 32 and name == name.lower() else b""
    except ValueError:
        raw = b""
    if len(raw) == 16:
        return raw
    text = name.encode()
    if not text or len(text) > _LONGEST:
        raise ValueError(f"a token names 1 to {_LONGEST} bytes")
    return bytes((len(text),)) + text + (b"\0" if len(text) == 15 else b"")


def _unpacked(packed: bytes) -> str:
    return packed.hex() if len(packed) == 16 else packed[1 : 1 + packed[0]].decode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(token: str) -> bytes:
    """The bytes of a token in its one spelling. Raises TokenError."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) < _HEAD + 2 + _MAC or _text(raw) != token:
        raise TokenError("forged", "this link was not made by us, or a part of it is missing")
    return raw
