"""Messages and events by POST to an address of the shop's choice, signed as the Standard Webhooks specification says.

The receiver checks `webhook-signature` over `id.timestamp.body` and drops an id it has seen: an attempt that ended in
doubt is repeated with the same id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from postventa.channels.base import CommitIntent, Envelope, Receipt, Refused
from postventa.errors import ChannelError, ConfigError

_NOT_NOW = frozenset({408, 425, 429, 503})
_GONE = frozenset({404, 410, 422})


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`secret` as in `whsec_…` (base64 of at least 24 bytes). Times in seconds."""

    url: str
    secret: str = field(repr=False)
    timeout: float = 20
    connections: int = 8
    headers: Mapping[str, str] = field(default_factory=dict)


class WebhookChannel:
    """See `channels.base.Channel`. `clock` gives seconds since 1970 for the signature's stamp (a real clock)."""

    name = "webhook"
    real = True

    def __init__(self, settings: WebhookSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._key = _key(settings.secret)
        self._clock = clock
        limits = httpx.Limits(max_connections=settings.connections, max_keepalive_connections=settings.connections)
        self._client = httpx.AsyncClient(
            timeout=settings.timeout, limits=limits, follow_redirects=False, trust_env=False
        )

    async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
        """POST the message as JSON. A refusal to connect is retried; silence after the POST is in doubt."""
        body = json.dumps(_payload(envelope), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if not await commit_intent():
            return Receipt("withdrawn")
        return await self.post(envelope.effect_id, body)

    async def post(self, message_id: str, body: bytes) -> Receipt:
        """POST any signed body under an id that stays the same over all attempts. ChannelError as in `deliver`."""
        stamp = str(int(self._clock()))
        headers = {
            **self.settings.headers,
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self._key, message_id, stamp, body),
        }
        try:
            response = await self._client.post(self.settings.url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._trouble("cannot be reached", error, phase="connect") from error
        except httpx.HTTPError as error:
            raise self._trouble("did not answer", error, phase="after_intent") from error
        return self._read(response)

    async def check(self) -> str:
        """Open a connection with a HEAD request; any answer will do."""
        try:
            response = await self._client.head(self.settings.url)
        except httpx.HTTPError as error:
            raise self._trouble("cannot be reached", error, phase="connect") from error
        return f"{self.settings.url} answers ({response.status_code})"

    async def close(self) -> None:
        """Close kept connections."""
        await self._client.aclose()

    def _read(self, response: httpx.Response) -> Receipt:
        code, text = response.status_code, " ".join(response.text.split())[:200]
        if 200 <= code < 300:
            return Receipt("sent", f"{code} {text}".strip())
        answer = f"the receiver answered {code} {text}".strip()
        if code in _NOT_NOW:
            raise Refused(answer, code=code, permanent=False)
        if code >= 500:  # it may have done the work before it failed
            raise ChannelError(answer, where=self.settings.url, phase="after_intent")
        raise Refused(answer, code=code, recipient=code in _GONE)

    def _trouble(self, what: str, error: Exception, *, phase: Any) -> ChannelError:
        reason = str(error) or type(error).__name__
        return ChannelError(f"the receiver {what}: {reason}", where=self.settings.url, phase=phase)


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,<base64 of HMAC-SHA256 over id.timestamp.body>`."""
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < 24:
        raise ConfigError(
            "the webhook secret has to be base64 of at least 24 bytes",
            where="webhook.secret",
            mend="make one with: echo whsec_$(openssl rand -base64 32)",
        )
    return key


def _payload(envelope: Envelope) -> dict[str, Any]:
    if not re.match(r"[^\s@]+@[^\s@]+\Z", envelope.to):
        raise Refused(f"{envelope.to[:80]!r} is not a mail address", recipient=True, code=422)
    return {
        "type": "message.send",
        "timestamp": envelope.date.isoformat().replace("+00:00", "Z"),
        "data": {
            "effect_id": envelope.effect_id,
            "message": envelope.message,
            "customer_id": envelope.customer_id,
            "to": envelope.to,
            "locale": envelope.locale,
            "subject": envelope.subject,
            "text": envelope.text,
            "html": envelope.html,
            "unsubscribe_url": envelope.unsubscribe_url,
        },
    }
