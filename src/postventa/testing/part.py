"""A real part of the outside world (a broker, a database) as one process of ours: start, stop, kill, start again.

What `Broker` and `Database` share. Nothing here knows which of the two it runs.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from postventa.errors import ConfigError, PostventaError

KEEPER = Path(__file__).with_name("keeper.py")
# Below the range from which systems take the ports of outgoing connections. In that range a client that tries again and
# again while its server is down can get the server's own port, connect to itself, and keep the server from coming back.
PORTS = range(20_000, 32_000)
STEP = 0.05


class Kept:
    """A running program that ends with this process, however this process ends. Its output is added to `log`."""

    def __init__(self, command: Sequence[str], log: Path, farewell: signal.Signals = signal.SIGTERM) -> None:
        with log.open("ab") as out:
            self._keeper = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(KEEPER), str(int(farewell)), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                start_new_session=True,  # Ctrl-C in the terminal is for the owner, who then ends the program in order
            )
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline() or 0)
        """The program's process id, to look at; 0 when it could not be started. To signal it, use `signal`."""

    @property
    def running(self) -> bool:
        """True until the program has ended."""
        return self._keeper.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the program has ended."""
        assert self._keeper.stdin is not None
        try:
            self._keeper.stdin.write(f"{int(number)}\n")
            self._keeper.stdin.flush()
        except (BrokenPipeError, ValueError):
            return

    def wait(self, seconds: float) -> bool:
        """Wait for the program's end; False when it still runs after `seconds`."""
        try:
            self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)
        return True


class Part(ABC):
    """A server in a folder. `with` and `async with` start it and stop it; its data stay in the folder.

    The methods block: from a coroutine, call them with `asyncio.to_thread`.
    """

    name: ClassVar[str]
    ready: ClassVar[str]
    """The words in its log that say it can be used."""
    farewell: ClassVar[signal.Signals] = signal.SIGTERM
    patience: ClassVar[float] = 60.0
    """Seconds it may take to come up, and to go down."""

    def __init__(self, folder: Path, port: int, existing: str | None) -> None:
        self.folder = Path(folder).absolute()
        self.port = port
        self.existing = existing
        self._process: Kept | None = None

    @property
    def ours(self) -> bool:
        """False when an existing server is used, which is neither started nor ended here."""
        return self.existing is None

    @property
    def running(self) -> bool:
        """True while our process runs, and for an existing server."""
        return not self.ours or (self._process is not None and self._process.running)

    @property
    def pid(self) -> int:
        """The server's process id; 0 when it does not run or is not ours."""
        return self._process.pid if self._process is not None and self._process.running else 0

    @property
    def log(self) -> Path:
        """Where the server writes what it does; one file for all its starts."""
        return self.folder / f"{self.name}.log"

    def up(self) -> None:
        """Start it and wait until it can be used. ConfigError when this machine lacks something it needs."""
        if self.running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.prepare()
        # After a kill, what the old process left behind can take a moment to vanish: the start is tried again.
        deadline = time.monotonic() + self.patience
        while not self._started(command, deadline):
            if time.monotonic() > deadline:
                self.kill()
                raise PostventaError(f"the {self.name} did not start", str(self.log), self._last_words())
            time.sleep(10 * STEP)

    @abstractmethod
    def prepare(self) -> Sequence[str]:
        """Make the folder ready, choose a port, and return the command that runs the server."""

    def stop(self) -> None:
        """Ask it to end, and wait. What is still there after `patience` seconds is killed."""
        if self._process is None:
            return
        self._process.signal(self.farewell)
        if not self._process.wait(self.patience):
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL). The data stay as they are."""
        self._mine().signal(signal.SIGKILL)
        self._mine().wait(self.patience)
        self._process = None

    def restart(self) -> None:
        """Stop it if it runs, then start it with the same data on the same port."""
        self._must_be_ours()
        self.stop()
        self.up()

    def freeze(self) -> None:
        """Hold it (SIGSTOP): connections stay open and nothing answers, until `thaw`."""
        self._mine().signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._mine().signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _started(self, command: Sequence[str], deadline: float) -> bool:
        """True when a new process says it is ready; False when it ended or time is up."""
        begin = self.log.stat().st_size if self.log.exists() else 0
        self._process = Kept(command, self.log, self.farewell)
        while self._process.running and time.monotonic() < deadline:
            with self.log.open("rb") as log:
                log.seek(begin)
                if self.ready.encode() in log.read():
                    return True
            time.sleep(STEP)
        return False

    def _mine(self) -> Kept:
        self._must_be_ours()
        if self._process is None:
            raise PostventaError(f"the {self.name} does not run", str(self.folder), "call up() or restart() first")
        return self._process

    def _must_be_ours(self) -> None:
        if not self.ours:
            raise PostventaError(f"this {self.name} was there before and is not ours to end", self.existing)

    def _last_words(self, lines: int = 8) -> str:
        return "its last lines:\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now, outside the range of outgoing connections."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ConfigError("found no free port", f"127.0.0.1:{PORTS.start}-{PORTS.stop}", "end what listens there")


def _close(pipe: object) -> None:
    """Close a pipe whose other end may be gone."""
    try:
        pipe.close()  # type: ignore[attr-defined]
    except BrokenPipeError:
        return
