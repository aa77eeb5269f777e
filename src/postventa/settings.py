"""postventa.yaml: everything about this shop and this installation that is not a journey, template or survey.

Secrets never stand here: a key that ends in `_env` names the environment variable that holds one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from postventa.core.journey import Cap, Duration, Shop, Window
from postventa.errors import ConfigError
from postventa.source.durations import in_words
from postventa.source.forms import Clock, Days, Form, Span, Zone, problem_at, read
from postventa.source.problem import Problem
from postventa.source.yaml import Document, load

FILE = "postventa.yaml"

CODES = {
    "S103": "A setting is missing.",
    "S104": "There is no such setting.",
    "S105": "The setting has a value it cannot have.",
    "S106": "Mails that leave this machine carry links to answer and unsubscribe, so `public_url` must say where the "
    "public pages are reached from outside.",
    "S107": "There is no postventa.yaml, so this folder is not a project.",
    "S108": "A limit of 0 mails lets nothing leave but transactional mail. To hold everything for a while there is "
    "`postventa pause`.",
    "S109": "A stricter limit always stops a mail first, so this one is never met.",
}


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or len(text) < 10 or any(sign.isspace() for sign in text):
        raise ValueError(f"'{text}' is not an address that begins with https://")
    return text.rstrip("/")


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"'{text}' is not a host and port (like 127.0.0.1:8080)")
    return text


def _env_name(text: str) -> str:
    if not text.replace("_", "").isalnum() or text[:1].isdigit():
        raise ValueError(f"'{text}' is not the name of an environment variable (like POSTVENTA_SMTP_PASSWORD)")
    return text


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset (like 2026-11-22T09:00:00+01:00)")
    return moment.astimezone(UTC)


Url = Annotated[str, AfterValidator(_url)]
HostPort = Annotated[str, AfterValidator(_host_port)]
EnvName = Annotated[str, AfterValidator(_env_name)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class CapForm(Form):
    """At most so many messages per rolling span."""

    emails: int | None = Field(default=None, ge=0)
    messages: int | None = Field(default=None, ge=0)
    per: Span

    @model_validator(mode="after")
    def _one_count(self) -> CapForm:
        if (self.emails is None) == (self.messages is None):
            raise ValueError("a cap counts either 'emails' or 'messages' (all channels)")
        return self

    def core(self) -> Cap:
        """What the contact policy takes."""
        count = self.emails if self.emails is not None else self.messages
        return Cap(count or 0, self.per, "email" if self.emails is not None else None)


class WindowForm(Form):
    """When messages may leave, on the customer's clock; may cross midnight."""

    opens: Clock = Field(alias="from")
    closes: Clock = Field(alias="to")
    days: Days = frozenset()

    def core(self) -> Window:
        """What the contact policy takes."""
        return Window(self.opens, self.closes, self.days)


class Mailbox(Form):
    """Mails stay on this machine and are read on a local page."""

    kind: Literal["mailbox"] = "mailbox"


class Smtp(Form):
    """A real mail server."""

    kind: Literal["smtp"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    username_env: EnvName | None = None
    password_env: EnvName | None = None
    connections: int = Field(default=4, ge=1, le=64)
    timeout: Span = Duration(seconds=30)
    sender: str | None = Field(default=None, alias="from")
    """Who the mails are from where message.yaml and brand.yaml do not say."""


class Channels(Form):
    """How messages leave."""

    email: Annotated[Mailbox | Smtp, Field(discriminator="kind")] = Mailbox()


class Out(Form):
    """Where `emit` and published events go."""

    webhook: Url | None = None
    secret_env: EnvName | None = None


class Listen(Form):
    """The two listeners. The private one answers only this machine unless a token is set."""

    public: HostPort = "127.0.0.1:8080"
    private: HostPort = "127.0.0.1:8081"
    token_env: EnvName | None = None


class Sasl(Form):
    """How to log in to Kafka."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    username_env: EnvName | None = None
    password_env: EnvName


class Tls(Form):
    """Certificates, as PEM files: who may be Kafka, and who we are where it asks."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


class Kafka(Form):
    """Where `postventa worker` reads events and publishes its own. The topics it reads are those of agents/."""

    servers: tuple[str, ...] = ("127.0.0.1:9092",)
    """host:port of some brokers; the variable KAFKA_BOOTSTRAP_SERVERS (with commas) goes before it."""
    group: str = "postventa"
    """The consumer group: workers of one group share the partitions."""
    out: str = "postventa.out"
    dead_letters: str = "postventa.dead-letters"
    tls: Tls | None = None
    """Written as `tls: {}` where the usual certificate authorities are enough."""
    sasl: Sasl | None = None
    caught_up_within: Span = Duration(seconds=600)
    """How long timers and mail wait, after a start or a rebalance, for the events that are already in the topics."""
    in_doubt_after: Span = Duration(seconds=660)
    """How long a message may be under way in another worker's hands before it counts as in doubt; a mail server may
    take ten minutes to answer."""
    known_for: Span = Duration(days=30)
    """Records already read once and older than this are passed over unread when a topic is read again."""
    partitions: int = Field(default=6, ge=1)
    """Of topics that `postventa kafka setup` makes."""
    replication: int = Field(default=3, ge=1)


class StoreForm(Form):
    """Where the state is kept: a SQLite file (path relative to the project), or PostgreSQL."""

    sqlite: str = ".postventa/state.db"
    postgres_env: EnvName | None = None
    """The environment variable with the address, postgresql://user:password@host:5432/name; SQLite where none."""
    postgres_schema: str = Field(default="postventa", pattern="^[a-z_][a-z0-9_]{0,62}$")
    postgres_pooled: bool = False
    """True behind a proxy that gives every transaction another connection (PgBouncer in transaction mode)."""


class Retention(Form):
    """How long rows are kept. What is not named is kept for ever."""

    events: Span | None = None
    trace: Span | None = None
    messages: Span | None = None
    history: Span | None = None


class Settings(Form):
    """postventa.yaml as a whole, with its defaults."""

    shop: str = "My shop"
    language: Literal["en", "es"] = "en"
    """The language of commands and of the shop's own pages; customers are spoken to in theirs."""
    locale: str = "en"
    locales: tuple[str, ...] = ()
    country: str = Field(default="", max_length=2)
    timezone: Zone = "UTC"
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    caps: tuple[CapForm, ...] = ()
    windows: tuple[WindowForm, ...] = ()
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    """Tags that the shop's platform gives customers; journeys may look for these and for those they give themselves."""
    catch_up: Span = Duration(seconds=3600)
    delivery_settles: Span = Duration()
    live_from: Moment | None = None
    max_start_lateness: Span = Duration(days=2)
    waiting_room: Span = Duration(seconds=72 * 3600)
    channels: Channels = Channels()
    out: Out = Out()
    kafka: Kafka = Kafka()
    public_url: Url | None = None
    listen: Listen = Listen()
    store: StoreForm = StoreForm()
    retention: Retention = Retention()
    keys_env: EnvName = "POSTVENTA_KEYS"
    """Comma-separated signing keys of public links: the first signs, all are accepted."""

    @property
    def all_locales(self) -> tuple[str, ...]:
        """Every language the shop writes in, its own first."""
        return tuple(dict.fromkeys((self.locale, *self.locales)))

    def core(self, live_from: datetime | None = None) -> Shop:
        """What the core decides by. `live_from` is used where the file names none (the first publish)."""
        return Shop(
            timezone=self.timezone,
            locale=self.locale,
            country=self.country,
            currency=self.currency,
            caps=tuple(cap.core() for cap in self.caps),
            windows=tuple(window.core() for window in self.windows),
            catch_up=self.catch_up,
            delivery_settles=self.delivery_settles,
            live_from=self.live_from or live_from,
            max_start_lateness=self.max_start_lateness,
            groups=dict(self.groups),
        )


DECIDING = (
    "shop", "locale", "locales", "country", "timezone", "currency", "caps", "windows", "groups", "catch_up",
    "delivery_settles", "live_from", "max_start_lateness", "waiting_room",
)  # fmt: skip
"""The keys that belong to a release; the others belong to the machine."""


def read_settings(raw: bytes | str | None, file: str = FILE) -> tuple[Settings, list[Problem], Document | None]:
    """The settings (defaults where the file is wrong) and what is wrong with it."""
    if raw is None:
        return Settings(), [Problem(file, 0, 0, "S107", "there is no postventa.yaml", "make one: postventa init")], None
    document = load(file, raw)
    settings, problems = read(Settings, document, "S")
    if settings is None:
        return Settings(), problems, document
    if isinstance(settings.channels.email, Smtp) and settings.public_url is None:
        problems.append(problem_at(document, ("channels", "email", "kind"), "S106",
                                   "a real mail channel without 'public_url'",
                                   "add 'public_url: https://mail.my-shop.example'"))  # fmt: skip
    problems += _limits(document, settings)
    return settings, problems, document


def _limits(document: Document, settings: Settings) -> list[Problem]:
    """Caps that stop everything, and caps that are never met because another one always stops a mail first."""
    found: list[Problem] = []
    caps = [cap.core() for cap in settings.caps]
    for number, cap in enumerate(caps):
        if not cap.count:
            found.append(problem_at(document, ("caps", number), "S108", "a limit of 0 mails: nothing would ever leave",
                                    "at least 1; or hold mails with: postventa pause --all"))  # fmt: skip
        for other in caps[:number] + caps[number + 1 :]:
            same = other == cap and caps.index(cap) == number
            if not same and other.channel in {cap.channel, None} and other.count <= cap.count and _covers(other, cap):
                first = f"{other.count} in {in_words(other.per)}"
                message = f"this limit is never met: {first} always stops a mail first"
                problem = problem_at(document, ("caps", number), "S109", message, "remove one of the two")
                found.append(replace(problem, severity="warning"))
                break
    return found


def _covers(other: Cap, cap: Cap) -> bool:
    """Whether one cap's span holds the other's, whatever the months."""
    day = 86400
    least = (other.per.months * 28 + other.per.days) * day + other.per.seconds
    return least >= (cap.per.months * 31 + cap.per.days) * day + cap.per.seconds or other.per == cap.per


def secret(name: str | None, environ: Mapping[str, str] | None = None) -> str | None:
    """The value of the environment variable a setting names, None where it names none. ConfigError when not set."""
    if name is None:
        return None
    value = (os.environ if environ is None else environ).get(name)
    if not value:
        raise ConfigError("a secret is not set", where=f"environment variable {name}", mend=f"export {name}=…")
    return value


def keys(settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The signing keys, newest first; empty when none are set (a local mailbox makes its own)."""
    value = (os.environ if environ is None else environ).get(settings.keys_env, "")
    return tuple(key.strip() for key in value.split(",") if key.strip())
