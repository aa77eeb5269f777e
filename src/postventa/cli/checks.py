"""What `doctor` looks at. Each check gives one finding and never raises: the next one is looked at all the same."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from postventa.cli.reach import own_database
from postventa.errors import PostventaError
from postventa.project import Project
from postventa.runtimes import beacon
from postventa.runtimes.outward import is_real, smtp_of, tokens_of, webhook_of
from postventa.settings import Settings, Smtp, secret
from postventa.store.sqlite import SqliteStore
from postventa.store.sqlite_file import connect_writer, telling

_LITTLE = 500 * 1024 * 1024
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No machine's clock can be right that shows less."""


class Finding(NamedTuple):
    """One line: what was looked at, how it is, and how to mend it."""

    what: str
    result: Literal["ok", "warn", "fail"]
    says: str
    mend: str = ""


async def examine(root: Path) -> list[Finding]:
    """Everything, in the order in which one would mend it."""
    findings = [*_machine()]
    try:
        project = Project.load(root)
    except PostventaError as error:
        return [*findings, Finding("project", "fail", error.message, error.mend or "")]
    settings = project.settings
    findings += [*_project(project), _keys(settings, root), *_secrets(settings), *_listeners(settings)]
    findings += [one async for one in _database(root, settings)]
    findings += [await _mail(settings), *[one async for one in _outlet(settings)]]
    return findings


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding("python", "ok" if good else "fail", version, "use Python 3.11, 3.12 or 3.13")
    try:
        ZoneInfo("Europe/Madrid")
        yield Finding("time zones", "ok", "the zone tables are there")
    except (KeyError, OSError) as error:
        yield Finding("time zones", "fail", f"no zone tables: {error}", "pip install tzdata")
    now = datetime.now(UTC)
    right = now >= _BUILT
    yield Finding("clock", "ok" if right else "fail", f"{now:%Y-%m-%d %H:%M} UTC", "set the machine's clock (NTP)")


def _project(project: Project) -> Iterator[Finding]:
    errors, others = len(project.errors), len(project.problems) - len(project.errors)
    if errors:
        yield Finding("project", "fail", f"{errors} errors in its files", "postventa validate")
    else:
        says = f"{len(project.journeys)} journeys, {len(list(project.messages))} messages"
        yield Finding("project", "warn" if others else "ok", says, f"{others} warnings: postventa validate")


def _keys(settings: Settings, root: Path) -> Finding:
    own = root / ".postventa" / "keys"
    if not os.environ.get(settings.keys_env) and not is_real(settings):
        made = "kept in .postventa/keys" if own.exists() else "made at the first start"
        return Finding("keys", "ok", f"customers' links are signed with a key of this machine, {made}")
    try:
        tokens = tokens_of(settings, root / ".postventa")
    except PostventaError as error:
        return Finding("keys", "fail", f"{settings.keys_env}: {error.message}", error.mend or "")
    return Finding("keys", "ok", f"{len(tokens.keys)} in {settings.keys_env}, '{tokens.keys[0].id}' signs")


def _secrets(settings: Settings) -> Iterator[Finding]:
    email = settings.channels.email
    names = [settings.listen.token_env, settings.out.secret_env]
    names += [email.password_env, email.username_env] if isinstance(email, Smtp) else []
    for name in filter(None, names):
        try:
            secret(name)
        except PostventaError as error:
            yield Finding("secrets", "fail", f"{name} is not set", error.mend or "")


def _listeners(settings: Settings) -> Iterator[Finding]:
    host = settings.listen.private.rpartition(":")[0]
    if host not in {"127.0.0.1", "localhost", "[::1]"} and settings.listen.token_env is None:
        yield Finding("listeners", "fail", f"the private pages would be open on {host}", "set listen.token_env")
    elif is_real(settings) and (settings.public_url or "").startswith("http://"):
        yield Finding("listeners", "warn", "public_url is not https", "mail programs refuse one-click links without it")
    else:
        yield Finding("listeners", "ok", f"private {settings.listen.private}, public {settings.listen.public}")


async def _tables(settings: Settings) -> Finding:
    """PostgreSQL, where the settings name it."""
    from postventa.store.postgres import schema_status

    try:
        told = await schema_status(secret(settings.store.postgres_env) or "", settings.store.postgres_schema)
    except PostventaError as error:
        return Finding("database", "fail", error.message, error.mend or "")
    if told.missing:
        return Finding("database", "fail", f"{len(told.missing)} migrations are missing", "postventa db upgrade")
    return Finding("database", "ok", f"{told.where}, version {told.server}")


async def _database(root: Path, settings: Settings) -> AsyncIterator[Finding]:
    if settings.store.postgres_env is not None:
        yield await _tables(settings)
        return
    try:
        database = own_database(root, settings)
    except PostventaError as error:
        yield Finding("database", "fail", error.message, error.mend or "")
        return
    folder = database.parent if database.parent.exists() else root
    if not os.access(folder, os.W_OK):
        yield Finding("database", "fail", f"{folder} may not be written", "give this user the right to write there")
        return
    free = shutil.disk_usage(folder).free
    result: Literal["ok", "warn"] = "ok" if free > _LITTLE else "warn"
    yield Finding("disk", result, f"{free // 1_000_000} MB free", "make room: a full disk stops the engine")
    yield await _state(database)


async def _state(database: Path) -> Finding:
    running = beacon.find(database)
    if not database.exists():  # noqa: ASYNC240 - a look, once
        return Finding("database", "ok", f"{database} is made at the first start")
    store = SqliteStore(database, readonly=True)
    try:
        _take_write_lock(database)
        await store.open()
        live = await store.views.live_release()
        counts = await store.views.counts(datetime.now(UTC))
        paused = [pause.scope for pause in await store.views.pauses()]
    except PostventaError as error:
        return Finding("database", "fail", error.message, error.mend or "")
    finally:
        await store.close()
    where = f"an engine runs (process {running.pid}, {running.url})" if running else "no engine runs"
    says = f"{counts['customers']} customers, {where}"
    if live is None:
        return Finding("database", "warn", f"{says}; nothing is published", "postventa publish")
    if paused:
        return Finding("database", "warn", f"{says}; paused: {', '.join(paused)}", "postventa resume")
    if counts["uncertain"] or counts["parked"]:
        doubt = f"{counts['uncertain']} uncertain mails, {counts['parked']} parked runs"
        return Finding("database", "warn", f"{says}; {doubt}", "postventa status")
    return Finding("database", "ok", says)


def _take_write_lock(database: Path) -> None:
    """For a moment; StoreBusy when another program holds it, StoreError for a file that cannot be written."""
    with telling(database), closing(connect_writer(database)) as connection:
        connection.execute("begin immediate")
        connection.rollback()


async def _mail(settings: Settings) -> Finding:
    if not is_real(settings):
        return Finding("mail", "ok", "kept on this machine (kind: mailbox): nothing is sent")
    try:
        channel = smtp_of(settings.channels.email)
        says = await channel.check()
        await channel.close()
    except PostventaError as error:
        return Finding("mail", "fail", str(error.message), error.mend or "")
    return Finding("mail", "ok", says)


async def _outlet(settings: Settings) -> AsyncIterator[Finding]:
    if settings.out.webhook is None:
        return
    try:
        outlet = webhook_of(settings)
        assert outlet is not None
        yield Finding("webhook", "ok", await outlet.check())
        await outlet.close()
    except PostventaError as error:
        yield Finding("webhook", "fail", error.message, error.mend or "")
