"""The other version of the files, which `postventa backtest` holds beside those on disk: a folder, release, commit."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from postventa.cli.reach import reading
from postventa.errors import ConfigError
from postventa.project import Project, belongs

SHORTEST = 6
"""Letters of a release's hash that name it."""


class Version(NamedTuple):
    """A state of the files, and what to call it."""

    project: Project
    name: str


def of_folder(folder: Path) -> Version:
    """The project in another folder."""
    return Version(Project.load(folder).require_sound(), str(folder))


def of_release(folder: Path, text: str) -> Version:
    """A published release by the beginning of its hash, or `live`. ConfigError when there is none, or several."""
    return asyncio.run(_of_release(folder, text.lower()))


async def _of_release(folder: Path, text: str) -> Version:
    async with reading(folder) as store:
        rows = await store.views.releases()
        found = [one for one in rows if (one["live"] if text == "live" else str(one["hash"]).startswith(text))]
        if len(found) != 1 or (text != "live" and len(text) < SHORTEST):
            known = ", ".join(str(one["hash"])[:12] for one in rows[:5]) or "none is published yet"
            what = "no release is live" if text == "live" else f"{len(found)} releases begin with '{text}'"
            raise ConfigError(what, "--compare-release", f"give {SHORTEST} letters or more; there are: {known}")
        release = await store.views.release(str(found[0]["hash"]))
        assert release is not None
        return Version(Project.from_files(release.files).require_sound(), f"release {release.hash[:12]}")


def of_commit(folder: Path, ref: str) -> Version:
    """The same folder at a commit, branch or tag of git. ConfigError when git does not know it."""
    # --end-of-options: a ref that begins with a dash is no option
    command = ["git", "-C", str(folder), "archive", "--format=tar", "--end-of-options", ref, "."]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (no shell)
    except FileNotFoundError:
        raise ConfigError("git is not installed here", "--compare-git", "or give a folder: --compare DIR") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConfigError(said[-1] if said else "git failed", f"--compare-git {ref}", "name a commit, branch or tag")
    return Version(Project.from_files(_files(done.stdout)).require_sound(), ref)


def _files(archive: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if member.isfile() and belongs(name) and (opened := tar.extractfile(member)) is not None:
                found[name] = opened.read()
    return found
