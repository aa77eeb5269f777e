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
    """How many mails."""
    messages: int | None = Field(default=None, ge=0)
    """How many messages of all channels together."""
    per: Span
    """Within which span, counted back from each mail: 7 days."""

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
    """From this time of day: "09:00"."""
    closes: Clock = Field(alias="to")
    """Until this time of day: "21:30". Earlier than `from`: over midnight."""
    days: Days = frozenset()
    """Only on these days: weekdays, or [saturday, sunday]; every day where left out."""

    def core(self) -> Window:
        """What the contact policy takes."""
        return Window(self.opens, self.closes, self.days)


class Mailbox(Form):
    """Mails stay on this machine and are read on a local page."""

    kind: Literal["mailbox"] = "mailbox"
    """`mailbox`: mails stay on this machine. `smtp`: they leave by a mail server."""


class Smtp(Form):
    """A real mail server."""

    kind: Literal["smtp"]
    """`smtp`: mails leave by a mail server. `mailbox`: they stay on this machine."""
    host: str
    """The mail server: smtp.example.com."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port: 587 with `starttls`, 465 with `implicit`."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How the connection is made secret."""
    username: str | None = None
    """Who logs in."""
    username_env: EnvName | None = None
    """The environment variable with who logs in, instead of `username`."""
    password_env: EnvName | None = None
    """The environment variable with the password. It never stands in a file."""
    connections: int = Field(default=8, ge=1, le=64)
    """Connections at the same time. Fewer where the mail server admits fewer."""
    timeout: Span = Duration(seconds=30)
    """How long to wait for an answer."""
    sender: str | None = Field(default=None, alias="from")
    """Who the mails are from where message.yaml and brand.yaml do not say."""


class Channels(Form):
    """How messages leave."""

    email: Annotated[Mailbox | Smtp, Field(discriminator="kind")] = Mailbox()
    """How mails leave."""


class Out(Form):
    """Where `emit` and published events go."""

    webhook: Url | None = None
    """The address that published events are posted to."""
    secret_env: EnvName | None = None
    """The environment variable with the secret that signs them."""


class Listen(Form):
    """The two listeners. The private one answers only this machine unless a token is set."""

    public: HostPort = "127.0.0.1:8080"
    """Where customers' pages answer: host and port."""
    private: HostPort = "127.0.0.1:8081"
    """Where the shop's own pages answer: host and port."""
    token_env: EnvName | None = None
    """The environment variable with the token the private pages ask for."""


class Sasl(Form):
    """How to log in to Kafka."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to log in."""
    username: str | None = None
    """Who logs in."""
    username_env: EnvName | None = None
    """The environment variable with who logs in, instead of `username`."""
    password_env: EnvName
    """The environment variable with the password."""


class Tls(Form):
    """Certificates, as PEM files: who may be Kafka, and who we are where it asks."""

    ca_file: str | None = None
    """Who may vouch for Kafka."""
    cert_file: str | None = None
    """Who we are, where Kafka asks."""
    key_file: str | None = None
    """The key of `cert_file`."""


class Kafka(Form):
    """Where `postventa worker` reads events and publishes its own. The topics it reads are those of agents/."""

    servers: tuple[str, ...] = ("127.0.0.1:9092",)
    """host:port of some brokers; the variable KAFKA_BOOTSTRAP_SERVERS (with commas) goes before it."""
    group: str = "postventa"
    """The consumer group: workers of one group share the partitions."""
    out: str = "postventa.out"
    """The topic that published events go to."""
    dead_letters: str = "postventa.dead-letters"
    """The topic that records go to which could not be used."""
    tls: Tls | None = None
    """Written as `tls: {}` where the usual certificate authorities are enough."""
    sasl: Sasl | None = None
    """How to log in, where Kafka asks."""
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
    """Copies of each, of topics that `postventa kafka setup` makes."""


class StoreForm(Form):
    """Where the state is kept: a SQLite file (path relative to the project), or PostgreSQL."""

    sqlite: str = ".postventa/state.db"
    """The SQLite file, relative to the project."""
    postgres_env: EnvName | None = None
    """The environment variable with the address, postgresql://user:password@host:5432/name; SQLite where none."""
    postgres_schema: str = Field(default="postventa", pattern="^[a-z_][a-z0-9_]{0,62}$")
    """The schema of the tables in PostgreSQL."""
    postgres_pooled: bool = False
    """True behind a proxy that gives every transaction another connection (PgBouncer in transaction mode)."""


class Retention(Form):
    """How long rows are kept. What is not named is kept for ever."""

    events: Span | None = None
    """Events of customers."""
    trace: Span | None = None
    """Why each decision was taken."""
    messages: Span | None = None
    """What was sent."""
    history: Span | None = None
    """Every change; `verify` needs it."""


class Settings(Form):
    """postventa.yaml as a whole, with its defaults."""

    shop: str = "My shop"
    """The shop's name."""
    language: Literal["en", "es"] = "en"
    """The language of commands and of the shop's own pages; customers are spoken to in theirs."""
    locale: str = "en"
    """The language the shop writes in; customers whose language is not known get it."""
    locales: tuple[str, ...] = ()
    """Every language the shop writes in."""
    country: str = Field(default="", max_length=2)
    """Two letters: ES."""
    timezone: Zone = "UTC"
    """The shop's clock, such as Europe/Madrid. Customers without a zone of their own are on it, too."""
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    """Three letters: EUR."""
    caps: tuple[CapForm, ...] = ()
    """At most so many mails per span and customer; transactional ones do not count: {emails: 3, per: 7 days}."""
    windows: tuple[WindowForm, ...] = ()
    """When mails may leave, on the customer's clock; transactional ones do not wait: {from: "09:00", to: "21:30"}."""
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Addresses of your own people under a name: `send: …` with `to: care`."""
    tags: tuple[str, ...] = ()
    """Tags that the shop's platform gives customers; journeys may look for these and for those they give themselves."""
    catch_up: Span = Duration(seconds=3600)
    """A step reached later than this after its time counts from now, so that an outage never sends two mails at
    once."""
    delivery_settles: Span = Duration()
    """How long to wait after the last parcel before the order counts as delivered."""
    live_from: Moment | None = None
    """Events from before this moment start nothing; left out: the first publish."""
    max_start_lateness: Span = Duration(days=2)
    """An event older than this starts nothing."""
    waiting_room: Span = Duration(seconds=72 * 3600)
    """How long an event waits for its order to be known."""
    channels: Channels = Channels()
    """How messages leave."""
    out: Out = Out()
    """Where published events go."""
    kafka: Kafka = Kafka()
    """Where workers read events."""
    public_url: Url | None = None
    """Where customers reach the public pages: https://mail.my-shop.example."""
    listen: Listen = Listen()
    """Where the pages answer."""
    store: StoreForm = StoreForm()
    """Where the state is kept."""
    retention: Retention = Retention()
    """How long rows are kept."""
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
