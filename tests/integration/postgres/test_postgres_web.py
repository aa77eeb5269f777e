"""`postventa web` as a process: pages and events on PostgreSQL, no mail and no timers; SQLite is refused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from postventa.starter import copy_to

POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
ADDRESS = re.compile(r"(mails|public) +(http://127\.0\.0\.1:\d+)")


@dataclass
class Shop:
    """A project on an empty database."""

    folder: Path
    environ: dict[str, str]

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*POSTVENTA, *words, "--project", str(self.folder)]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=120)

    @contextmanager
    def web(self) -> Iterator[dict[str, str]]:
        """The two addresses, by what is there; it must end well."""
        command = [*POSTVENTA, "web", "--port", "0", "--project", str(self.folder)]
        process = subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            told = ""
            for line in process.stdout:
                told += line
                if "Ctrl-C" in line:
                    break
            yield dict(ADDRESS.findall(told))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def shop(tmp_path: Path, dsn: str) -> Shop:
    copy_to(tmp_path / "shop")
    settings = tmp_path / "shop" / "postventa.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\nstore: {postgres_env: SHOP_DATABASE}\n", "utf-8")
    shop = Shop(tmp_path / "shop", os.environ | {"SHOP_DATABASE": dsn})
    for command in (("db", "upgrade"), ("publish",)):
        done = shop.call(*command)
        assert done.returncode == 0, done.stderr
    assert "'postventa worker' starts an engine with it" in done.stdout
    return shop


def _placed(number: int) -> dict[str, Any]:
    customer = {"customer_id": f"c{number}", "email": f"c{number}@example.com"}
    data = {"order_id": f"o{number}", "customer": customer}
    return {"id": f"o{number}", "source": "shop", "type": "order.placed", "time": "2099-01-01T00:00:00Z", "data": data}


@pytest.mark.postgres
def test_events_are_taken_and_wait_for_a_worker(shop: Shop) -> None:
    """Two of them stand side by side; what one takes, the other shows."""
    with shop.web() as first, shop.web() as second:
        body = [{**_placed(1), "time": "2026-01-01T00:00:00Z"}, {**_placed(1), "time": "2026-01-01T00:00:00Z"}]
        told = httpx.post(f"{first['mails']}/v1/events", json=body, trust_env=False).json()
        assert (told["accepted"], told["duplicate"]) == (1, 1)
        bad = httpx.post(f"{first['mails']}/v1/events", json={"id": "x"}, trust_env=False)
        assert bad.json()["rejected"] == 1
        facts = httpx.get(
            f"{second['mails']}/v1/status", headers={"accept": "application/json"}, trust_env=False
        ).json()
        assert (facts["customers"], facts["dead_letters"]) == (1, 1)
        assert facts["messages"].get("sent", 0) == 0
        assert httpx.get(f"{first['public']}/nothing", trust_env=False).status_code == 404
        assert httpx.get(f"{second['mails']}/healthz", trust_env=False).text == "ok\n"


@pytest.mark.postgres
def test_commands_go_through_it_and_another_one_shows_the_new_release(shop: Shop) -> None:
    with shop.web() as first:
        journey = shop.folder / "journeys" / "order-confirmation.yaml"
        journey.write_text(journey.read_text("utf-8").replace("We have your order", "A new title"), "utf-8")
        done = shop.call("publish")
        assert "the running engine uses it" in done.stdout, done.stderr
        assert "A new title" in httpx.get(f"{first['mails']}/journeys", trust_env=False).text


def test_a_sqlite_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    copy_to(tmp_path / "shop")
    done = Shop(tmp_path / "shop", dict(os.environ)).call("web")
    assert done.returncode == 2
    assert "postventa run" in done.stderr
    assert "postgres_env" in done.stderr
