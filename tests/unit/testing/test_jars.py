"""The broker's jars: fetched once, from where the machine says, and refused when they are not the locked ones."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from postventa.errors import ConfigError
from postventa.testing.jars import BASE, LOCK, POM, home, jars, locked

FILES = {"org/one/1/one-1.jar": b"one", "org/two/2/two-2.jar": b"two"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A repository of two files: its folder and its address."""
    folder = tmp_path / "repository"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "jars.lock"
    file.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in FILES.items()))
    return file


def test_jars_are_fetched_once_and_then_need_no_repository(
    repository: tuple[Path, str], lock: Path, tmp_path: Path
) -> None:
    folder, address = repository
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), BASE: address}
    assert [jar.read_bytes() for jar in jars(environ, lock)] == list(FILES.values())
    for path in FILES:
        (folder / path).unlink()
    assert [jar.read_bytes() for jar in jars(environ, lock)] == list(FILES.values())
    assert home(environ, lock).is_relative_to(tmp_path / "cache" / "postventa")


def test_a_jar_that_is_not_the_locked_one_never_reaches_the_cache(
    repository: tuple[Path, str], lock: Path, tmp_path: Path
) -> None:
    folder, address = repository
    (folder / "org/two/2/two-2.jar").write_bytes(b"another")
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), BASE: address}
    with pytest.raises(ConfigError, match="not the locked one"):
        jars(environ, lock)
    assert list((tmp_path / "cache" / "postventa").iterdir()) == []


def test_a_jar_changed_in_the_cache_is_refused(repository: tuple[Path, str], lock: Path, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), BASE: repository[1]}
    jars(environ, lock)[0].write_bytes(b"changed")
    with pytest.raises(ConfigError, match=r"one-1\.jar.*not the locked one"):
        jars(environ, lock)


def test_a_repository_without_the_jar_is_named(repository: tuple[Path, str], lock: Path, tmp_path: Path) -> None:
    folder, address = repository
    (folder / "org/one/1/one-1.jar").unlink()
    with pytest.raises(ConfigError, match=r"org/one/1/one-1\.jar.*404"):
        jars({"XDG_CACHE_HOME": str(tmp_path / "cache"), BASE: address}, lock)


def test_without_maven_and_repository_one_line_says_what_to_do(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        jars({"XDG_CACHE_HOME": str(tmp_path), "PATH": "/nonexistent"}, lock)
    words = str(refused.value)
    assert "\n" not in words
    assert all(way in words for way in ("maven", BASE, "KAFKA_BOOTSTRAP_SERVERS"))


def test_the_list_and_the_pom_name_the_same_versions() -> None:
    found = set(locked())
    for each in ET.parse(POM).findall("dependencies/dependency"):
        group, artifact, version = (str(each.findtext(tag)) for tag in ("groupId", "artifactId", "version"))
        assert f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar" in found
    assert all(len(checksum) == 64 for checksum in locked().values())
    assert "://" not in LOCK.read_text() + POM.read_text(), "where the files come from is the machine's business"
