"""How commands reach the state of a project: the running engine by its private pages, else the database beside it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from postventa.errors import ConfigError, JourneyError, NotRunning, PostventaError
from postventa.runtimes import beacon
from postventa.runtimes.stores import store_of
from postventa.settings import FILE as SETTINGS
from postventa.settings import Settings, read_settings, secret
from postventa.source.problem import errors
from postventa.store.base import Store

WAIT = 60.0
"""Seconds an answer of the engine may take."""


def settings_of(project: Path) -> Settings:
    """The project's settings. ConfigError when there is no project, JourneyError where they cannot be read."""
    file = project / SETTINGS
    if not file.is_file():
        raise ConfigError("this folder holds no project", where=str(project), mend="name it with --project DIR")
    settings, problems, _ = read_settings(file.read_bytes())
    if wrong := errors(problems):
        raise JourneyError(wrong, where=str(file), mend="postventa validate")
    return settings


def own_database(project: Path, settings: Settings, *, demo: bool = False) -> Path:
    """Where a project keeps its state, and a demo of it keeps another. With PostgreSQL only this machine's own notes
    are beside it."""
    return project / ".postventa" / "demo" / "state.db" if demo else project / settings.store.sqlite


def database_of(project: Path, settings: Settings) -> Path:
    """The database in use: that of an engine that runs here, else the first that exists, a demo's last."""
    places = (own_database(project, settings), own_database(project, settings, demo=True))
    running = (place for place in places if beacon.find(place) is not None)
    existing = (place for place in places if place.exists())
    return next(running, None) or next(existing, places[0])


def url_of(project: Path, settings: Settings, url: str | None = None) -> str | None:
    """Where the running engine answers; None when none runs here. `url` is taken at its word."""
    if url is not None:
        return url.rstrip("/")
    found = beacon.find(database_of(project, settings))
    return found.url if found else None


@asynccontextmanager
async def reading(project: Path) -> AsyncIterator[Store]:
    """The project's database, to look at only. Also beside a running engine."""
    settings = settings_of(project)
    store = store_of(settings, database_of(project, settings), readonly=True)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class Api:
    """The private pages of a running engine, for programs."""

    def __init__(self, url: str, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        import httpx

        token = secret(settings.listen.token_env, environ)
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.url = url
        self._client = httpx.Client(base_url=url, headers=headers, timeout=WAIT, trust_env=False)

    def get(self, path: str) -> Any:
        """The answer's JSON. NotRunning when nobody answers, JourneyError or PostventaError for what it refuses."""
        return self._ask("GET", path)

    def post(self, path: str, body: bytes, content_type: str) -> Any:
        """The same for what changes something; an answer with results is given whatever its status."""
        return self._ask("POST", path, content=body, headers={"Content-Type": content_type})

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        import httpx

        try:
            answer = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise NotRunning(f"nobody answers: {error}", where=self.url, mend="start it: postventa run") from None
        try:
            told = answer.json()
        except ValueError:
            told = {}
        if answer.is_success or (isinstance(told, dict) and "results" in told):
            return told
        said = told if isinstance(told, dict) else {}
        if said.get("problems"):
            raise JourneyError(said["problems"], str(said.get("error")), self.url + path, said.get("mend"))
        what = str(said.get("error") or f"the engine answered {answer.status_code}")
        raise PostventaError(what, where=self.url + path, mend=said.get("mend"))
