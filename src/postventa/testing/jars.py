"""The jars a Kafka broker is made of: a locked list, fetched once, checked at every use, kept in the user's cache.

The list (`kafka-jars.lock`) names each file by its path in a Maven repository, with its SHA-256. Where the files come
from is the machine's own business: Maven with its settings, or a repository named in `POSTVENTA_MAVEN_BASE`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from postventa.errors import ConfigError

LOCK = Path(__file__).with_name("kafka-jars.lock")
POM = Path(__file__).with_name("kafka-pom.xml")
BASE = "POSTVENTA_MAVEN_BASE"


def locked(lock: Path = LOCK) -> dict[str, str]:
    """Path in a Maven repository -> SHA-256, as the list says."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {path: checksum for checksum, path in (line.split(maxsplit=1) for line in lines)}


def home(environ: Mapping[str, str] = os.environ, lock: Path = LOCK) -> Path:
    """Where the jars of this list are kept; another list has another folder."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "postventa" / f"kafka-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def jars(environ: Mapping[str, str] = os.environ, lock: Path = LOCK) -> list[Path]:
    """The checked jars, fetched when they are not there yet (about 45 MB, once).

    ConfigError when they cannot be fetched, or when a file is not the one the list names.
    """
    folder = home(environ, lock)
    if not folder.is_dir():
        _fetch_into(folder, locked(lock), environ)
    return check(folder, locked(lock))


def check(folder: Path, wanted: Mapping[str, str]) -> list[Path]:
    """The files of `folder` that `wanted` names. ConfigError on the first that is missing or is another file."""
    for path, checksum in wanted.items():
        file = folder / path
        if not file.is_file():
            raise ConfigError("a jar of the Kafka broker is missing", str(file), f"delete {folder} and start again")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != checksum:
            raise ConfigError(
                f"this jar is not the locked one: its SHA-256 is {found}, expected {checksum}",
                str(file),
                f"delete {folder} and start again; if it comes back, do not trust where it comes from",
            )
    return [folder / path for path in wanted]


def _fetch_into(folder: Path, wanted: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Fetch and check aside, then move into place: nobody sees half a folder, and two may do this at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as aside:
        fresh = Path(aside) / "jars"
        if environ.get(BASE):
            _download(environ[BASE], fresh, wanted)
        else:
            _copy_with_maven(fresh, Path(aside), environ)
        check(fresh, wanted)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster; theirs are the same files
                raise


def _download(base: str, fresh: Path, wanted: Mapping[str, str]) -> None:
    """Each file from a Maven repository at `base`."""
    with httpx.Client(follow_redirects=True, timeout=60) as client:
        for path in wanted:
            url = f"{base.rstrip('/')}/{path}"
            try:
                answer = client.get(url).raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ConfigError(f"could not fetch a jar: {error}", url, f"see that {BASE} is right") from error
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(answer.content)


def _copy_with_maven(fresh: Path, aside: Path, environ: Mapping[str, str]) -> None:
    """All of them with Maven, which knows this machine's repositories and proxies."""
    maven = shutil.which("mvn", path=environ.get("PATH"))
    if maven is None:
        raise ConfigError(
            "a Kafka broker needs its jars, and there is no Maven to fetch them",
            mend=f"install maven, or set {BASE} to a Maven repository, or KAFKA_BOOTSTRAP_SERVERS to a running Kafka",
        )
    # A copy: Maven would write beside the pom, and there the package may be read-only.
    pom = shutil.copy(POM, aside / "pom.xml")
    done = subprocess.run(  # noqa: S603
        [maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies",
         "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={fresh}"],
        capture_output=True, text=True, env=dict(environ), check=False,
    )  # fmt: skip
    if done.returncode:
        words = "\n".join(done.stdout.strip().splitlines()[:5])
        raise ConfigError(
            f"Maven could not fetch the jars of the Kafka broker:\n{words}", mend=f"mend it, or set {BASE}"
        )
