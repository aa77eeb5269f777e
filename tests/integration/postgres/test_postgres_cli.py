"""`postventa db` and `postventa run` on PostgreSQL, as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.postgres
POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
FILES = {
    "postventa.yaml": "shop: Test\nlocale: en\ntimezone: UTC\n"
    "listen: {public: '127.0.0.1:0', private: '127.0.0.1:0'}\n"
    "store: {postgres_env: SHOP_DATABASE, postgres_schema: shop}\n",
    "brand.yaml": "name: Test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
    "journeys/thanks.yaml": "journey: thanks\ntitle: Thanks\nowner: a@shop.example\nsubject: order\n"
    "start: {on: order.paid}\nsteps: [{send: thanks}]\n",
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "# Thank you\n\nOrder {{ order.order_id }}.\n",
}
ORDER = {
    "id": "e-1", "source": "shop", "type": "order.placed",
    "data": {"order_id": "o-1", "total": "10.00", "currency": "EUR",
             "lines": [{"line_id": "1", "sku": "A", "quantity": 1, "price": "10.00"}],
             "customer": {"customer_id": "ana", "email": "ana@example.com"}},
}  # fmt: skip
PAID = {"id": "e-2", "source": "shop", "type": "order.paid", "data": {"order_id": "o-1"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def cli(project: Path, dsn: str | None, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*POSTVENTA, *words, "--project", str(project)]
    return subprocess.run(command, env=_environment(dsn), capture_output=True, text=True, timeout=60)


def _environment(dsn: str | None) -> dict[str, str]:
    keys = {"POSTVENTA_KEYS": "test:0123456789abcdef0123456789abcdef"}
    return os.environ | keys | ({"SHOP_DATABASE": dsn} if dsn else {})


def test_the_tables_are_made_once_and_status_says_what_is_missing(project: Path, dsn: str) -> None:
    before = cli(project, dsn, "db", "status")
    assert (before.returncode, "missing  0001_first" in before.stdout) == (1, True), before.stderr
    made = cli(project, dsn, "db", "upgrade")
    assert "applied 0001_first" in made.stdout, made.stderr
    again = cli(project, dsn, "db", "upgrade")
    assert (again.returncode, "applied" in again.stdout, "up to date" in again.stdout) == (0, False, True)
    told = json.loads(cli(project, dsn, "db", "status", "--json").stdout)
    assert told["missing"] == []
    assert told["where"].endswith("schema shop")


def test_a_project_without_postgresql_or_without_its_address_is_told_what_to_write(project: Path) -> None:
    missing = cli(project, None, "db", "status")
    assert (missing.returncode, "export SHOP_DATABASE=" in missing.stderr) == (2, True)
    (project / "postventa.yaml").write_text("shop: Test\n", encoding="utf-8")
    sqlite = cli(project, None, "db", "upgrade")
    assert (sqlite.returncode, "postgres_env: DATABASE_URL" in sqlite.stderr) == (2, True)


def test_an_engine_without_tables_says_so_and_one_with_them_sends_and_stops(project: Path, dsn: str) -> None:
    refused = cli(project, dsn, "run")
    assert (refused.returncode, "postventa db upgrade" in refused.stderr) == (2, True)
    assert cli(project, dsn, "db", "upgrade").returncode == 0
    beacon = project / ".postventa" / "state.db.engine"
    command = [*POSTVENTA, "run", "--dev", "--project", str(project)]
    with (project / "engine.log").open("wb") as out:
        engine = subprocess.Popen(command, env=_environment(dsn), stdout=out, stderr=out)
    try:
        while not beacon.exists():
            assert engine.poll() is None, (project / "engine.log").read_text()
            time.sleep(0.05)
        url = json.loads(beacon.read_text())["url"]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        body = json.dumps([one | {"time": now} for one in (ORDER, PAID)]).encode()
        request = urllib.request.Request(f"{url}/v1/events", body, {"Content-Type": "application/json"})
        answer = json.loads(urllib.request.urlopen(request, timeout=30).read())
        assert [one["status"] for one in answer["results"]] == ["accepted", "accepted"]
        while "sent" not in (status := json.loads(cli(project, dsn, "status", "--json").stdout))["messages"]:
            assert engine.poll() is None, status
    finally:
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(30) == 0, (project / "engine.log").read_text()
    verified = cli(project, dsn, "verify")
    assert (verified.returncode, "are what their history says" in verified.stdout) == (0, True), verified.stdout
    assert "thanks" in cli(project, dsn, "why", "ana").stdout
    (story,) = json.loads(cli(project, dsn, "why", "ana", "--message", "thanks", "--json").stdout)
    assert [one["what"] for one in story["messages"][0]["verdicts"]] == ["sent"]
    assert not (project / ".postventa" / "state.db").exists()
