"""`make run-kafka` as a newcomer sees it: real servers, a worker killed, its table, and nothing left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postventa.errors import ConfigError
from postventa.testing.broker import java
from postventa.testing.database import programs
from postventa.testing.fast_shop import faster, story
from postventa.testing.jars import jars

ROOT = Path(__file__).resolve().parents[2]
TOOL = [sys.executable, str(ROOT / "tools" / "run_kafka.py")]
LIMIT = 240
"""Seconds; a guard against hanging: two minutes are usual."""
ROW = re.compile(r"^  (\S.*?) {2,}(\d+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Own servers, whatever this machine has. Required in CI."""
    try:
        java(), jars(), programs()
    except ConfigError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"required in CI: {missing}", pytrace=False)
        pytest.skip(str(missing))
    return {key: value for key, value in os.environ.items() if key not in {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"}}


def _processes(folder: Path) -> list[str]:
    """The command lines of all processes that name this folder."""
    found: list[str] = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = one.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    assert not _processes(tmp_path / "demo"), "everything it started has ended"


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.slow
def test_a_worker_is_killed_and_nothing_is_missing(folder: Path, environ: dict[str, str]) -> None:
    done = subprocess.run([*TOOL, "--folder", str(folder)], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "worker 1 is killed" in done.stdout
    rows = {name: int(count) for name, count in ROW.findall(done.stdout)}
    published = len(story(datetime.now(UTC)))
    assert rows["published"] == rows["in the history"] == published
    assert (rows["lost"], rows["dead letters"], rows["missing"], rows["still on their way"]) == (0, 0, 0, 0)
    assert 73 <= rows["thank-you"] <= 79, "one for each paid order but those cancelled before a worker read of them"
    assert min(rows[kind] for kind in ("tutorial", "survey", "loyalty")) > 30
    assert "GAP" not in (folder / "worker-1.log").read_text() + (folder / "worker-2.log").read_text()


@pytest.mark.kafka
@pytest.mark.postgres
def test_interrupted_it_leaves_nothing_running(folder: Path, environ: dict[str, str]) -> None:
    """Ctrl-C while the servers come up. A second run beside it is refused."""
    process = subprocess.Popen([*TOOL, "--folder", str(folder)], env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Kafka  " in line:
                break
        second = subprocess.run([*TOOL, "--folder", str(folder)], env=environ, capture_output=True, text=True)
        assert second.returncode == 2
        assert "another 'make run-kafka' runs here" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        process.communicate()


def test_without_the_parts_it_says_what_to_install(tmp_path: Path) -> None:
    nothing = {key: value for key, value in os.environ.items() if key not in {"KAFKA_BOOTSTRAP_SERVERS", "JAVA_HOME"}}
    environ = nothing | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": str(tmp_path)}
    command = [*TOOL, "--folder", str(tmp_path / "demo")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 2
    assert re.search(r"install maven|make parts", done.stderr), done.stderr


def test_a_fast_journey_keeps_its_shape() -> None:
    slow = 'steps:\n  - wait: 1 day\n    at: "10:00"\n  - ask: s\n    timeout: 7 days\n    plus: 2 hours}\n'
    assert faster(slow) == ("steps:\n  - wait: 2 seconds\n  - ask: s\n    timeout: 14 seconds\n    plus: 1 second}\n")
