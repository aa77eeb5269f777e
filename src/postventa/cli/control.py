"""How commands that write reach a store: through the running engine's private API, else directly."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from postventa.cli.reach import Api, own_database, url_of
from postventa.core.values import as_time
from postventa.engine.engine import Engine, open_engine
from postventa.errors import ConfigError
from postventa.project import Project
from postventa.runtimes.outward import tokens_of
from postventa.runtimes.stores import store_of
from postventa.settings import Settings


def ask(project: Path, settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """POST to the engine that runs here, be it a demo; None when none runs. Raises what the engine answered."""
    url = url_of(project, settings)
    if url is None:
        return None
    return dict(Api(url, settings).post(path, json.dumps(body).encode(), "application/json"))


@asynccontextmanager
async def opened(project: Path, settings: Settings) -> AsyncIterator[Engine]:
    """The engine's parts on this project's store, for a command while no engine runs."""
    database = own_database(project, settings)
    database.parent.mkdir(parents=True, exist_ok=True)
    store = store_of(settings, database)
    await store.open()
    try:
        tokens = tokens_of(settings, database.parent)
        yield await open_engine(store, tokens.keys[-1].secret.decode())
    finally:
        await store.close()


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
