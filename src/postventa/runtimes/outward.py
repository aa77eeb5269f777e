"""From settings to channels: what this machine sends mail and events with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from postventa.channels.base import Channel, Envelope
from postventa.channels.mailbox import MailboxChannel
from postventa.channels.smtp import SmtpChannel, SmtpSettings
from postventa.channels.webhook import WebhookChannel, WebhookSettings
from postventa.core.values import time_text
from postventa.errors import ConfigError
from postventa.settings import Settings, Smtp, secret
from postventa.store.base import Mailbox
from postventa.tokens import Tokens, new_keys

_SECURITY = {"starttls": "starttls", "implicit": "tls", "none": "none"}


def is_real(settings: Settings) -> bool:
    """True when mail leaves this machine."""
    return isinstance(settings.channels.email, Smtp)


def channels_of(settings: Settings, mailbox: Mailbox) -> dict[str, Channel]:
    """The channels by name. ConfigError when a secret they need is not set."""
    return {"email": smtp_of(settings.channels.email) if is_real(settings) else mailbox_channel(mailbox)}


def smtp_of(email: object) -> Channel:
    """The SMTP channel of postventa.yaml's `channels.email`."""
    assert isinstance(email, Smtp)
    password = secret(email.password_env) or ""
    return SmtpChannel(
        SmtpSettings(
            host=email.host,
            port=email.port,
            username=email.username or secret(email.username_env) or "",
            password=password,
            security=_SECURITY[email.tls],  # type: ignore[arg-type]
            connections=email.connections,
            connect_timeout=email.timeout.seconds or 30,
            command_timeout=max(60, email.timeout.seconds),
        )
    )


def mailbox_channel(mailbox: Mailbox) -> Channel:
    """The channel that keeps mails for the local page."""

    async def keep(envelope: Envelope, raw: bytes) -> None:
        head = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        headers = dict(line.split(": ", 1) for line in head.replace("\r\n ", " ").split("\r\n") if ": " in line)
        await mailbox.put_mail(
            {
                "effect_id": envelope.effect_id,
                "customer": envelope.customer_id,
                "message": envelope.message,
                "to": envelope.to,
                "at": time_text(envelope.date),
                "subject": envelope.subject,
                "html": envelope.html,
                "text": envelope.text,
                "headers": headers,
            }
        )

    return MailboxChannel(keep)


def webhook_of(settings: Settings) -> WebhookChannel | None:
    """Where emitted events are posted; None when no outlet is set up."""
    if settings.out.webhook is None:
        return None
    if settings.out.secret_env is None:
        raise ConfigError(
            "events that leave are signed, and no secret is named",
            where="postventa.yaml: out.secret_env",
            mend="secret_env: POSTVENTA_WEBHOOK_SECRET, and set that variable to whsec_…",
        )
    return WebhookChannel(WebhookSettings(settings.out.webhook, secret(settings.out.secret_env) or ""))


def tokens_of(settings: Settings, folder: Path, environment: Mapping[str, str] | None = None) -> Tokens:
    """The keys that sign customers' links. Without a real channel a machine may make its own, kept in `folder`."""
    text = (os.environ if environment is None else environment).get(settings.keys_env, "")
    if text or is_real(settings):
        return Tokens.parse(text)
    own = folder / "keys"
    if not own.exists():
        own.touch(mode=0o600)
        own.write_text(new_keys(), encoding="utf-8")
    return Tokens.parse(own.read_text(encoding="utf-8"))
