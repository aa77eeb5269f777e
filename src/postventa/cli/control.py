"""How commands that write reach a store: through the running engine's private API, else directly."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

import httpx

from postventa.cli.serving import database_of
from postventa.core.values import as_time
from postventa.engine.engine import Engine, open_engine
from postventa.errors import ConfigError, JourneyError, PostventaError, StoreBusy
from postventa.project import Project
from postventa.runtimes import beacon
from postventa.runtimes.outward import tokens_of
from postventa.runtimes.stores import store_of
from postventa.settings import Settings, secret

TIMEOUT = 60


def ask(project: Path, settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """POST to the running engine of this project; None when none runs. Raises what the engine answered."""
    running = beacon.find(project / settings.store.sqlite)
    if running is None:
        return None
    token = secret(settings.listen.token_env)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(trust_env=False, timeout=TIMEOUT) as client:
            answer = client.post(running.url + path, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise StoreBusy(
            f"the engine (process {running.pid}) does not answer: {error}", running.url,
            "wait a moment, or stop it and try again",
        ) from error  # fmt: skip
    if answer.is_error:
        raise _refused(answer, running.url)
    return dict(answer.json())


def _refused(answer: httpx.Response, url: str) -> PostventaError:
    try:
        told = dict(answer.json())
    except ValueError:
        told = {}
    message, mend = str(told.get("error") or answer.reason_phrase), told.get("mend")
    if told.get("problems"):
        return JourneyError(told["problems"], message, url, mend)
    return PostventaError(message, told.get("where") or url, mend)


@asynccontextmanager
async def opened(project: Path, settings: Settings) -> AsyncIterator[Engine]:
    """The engine's parts on this project's store, for a command while no engine runs."""
    database = database_of(project, settings)
    database.parent.mkdir(parents=True, exist_ok=True)
    store = store_of(settings, database)
    await store.open()
    try:
        tokens = tokens_of(settings, database.parent)
        yield await open_engine(store, tokens.keys[-1].secret.decode())
    finally:
        await store.close()


def settings_at(project: Path) -> Settings:
    """The settings of a project's folder."""
    return Project.load(project).settings


def scope_of(journey: str | None, everything: bool, channel: str | None, known: Project) -> str:
    """What a pause or resume is about. ConfigError unless it is exactly one thing."""
    if sum((journey is not None, everything, channel is not None)) != 1:
        raise ConfigError("say what: a journey, --channel NAME, or --all", mend="postventa pause JOURNEY --reason …")
    if journey is not None:
        if journey not in known.journeys:
            names = ", ".join(sorted(known.journeys)) or "none"
            raise ConfigError(f"there is no journey '{journey}'", mend=f"the project has: {names}")
        return f"journey:{journey}"
    return "all" if everything else f"channel:{channel}"


def moment(text: str | None, option: str) -> datetime | None:
    """A time on the command line: RFC 3339, or `now`."""
    if text is None:
        return None
    found = datetime.now(UTC) if text == "now" else as_time(text)
    if found is None:
        raise ConfigError(f"'{text}' is not a time", where=option, mend="like 2026-06-30T00:00:00Z, or now")
    return found


def who() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return os.environ.get("SUDO_USER") or getuser()
    except (KeyError, OSError):
        return ""
