"""The commands that look at the state: why, status, verify, events import; on a database without a running engine."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from engine_shop import FILES, T0, event, paid, parcel, placed, project

from postventa.cli.main import run
from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.store.sqlite import SqliteStore

GUARDED = FILES["postventa.yaml"].replace(b"2020-01-01", b"2026-03-02")


class Done(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project on disk with a database in which a little has happened."""
    for name, raw in (FILES | {"postventa.yaml": GUARDED}).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
    (tmp_path / ".postventa").mkdir()
    asyncio.run(_some_events(tmp_path / ".postventa" / "state.db"))
    return tmp_path


async def _some_events(database: Path) -> None:
    store = SqliteStore(database)
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(project(postventa=GUARDED), T0)
    events = [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1"), parcel("delivered", "o-1", 9)]
    events.append(event("order.cancelled", "o-1/x", 10, order_id="o-1"))
    await take(engine, [*events, paid("o-nobody")], T0 + timedelta(hours=10))
    await store.close()


@pytest.fixture
def call(shop: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def command(*words: str) -> Done:
        capsys.readouterr()
        code = run([*words, "--project", str(shop)])
        return Done(code, *capsys.readouterr())

    return command


@pytest.mark.parametrize("who", ["ana", "o-1", "ANA@example.com"])
def test_why_tells_each_decision_with_its_reason_and_line(call: Call, who: str) -> None:
    done = call("why", who)
    assert done.code == 0, done.err
    for word in ("order.paid", "journeys/thanks.yaml:", "exit", "order.cancelled at 2026-03-02 19:00"):
        assert word in done.out


def test_why_as_json_has_the_same_for_programs(call: Call) -> None:
    (story,) = json.loads(call("why", "ana", "--json").out)
    assert story["customer"] == "ana"
    assert [one["title"] for one in story["timeline"]][:2] == ["order.placed", "order.paid"]


def test_why_about_nobody_says_what_may_be_asked(call: Call) -> None:
    done = call("why", "nobody")
    assert done.code == 2
    assert "an address" in done.err


def test_status_without_an_engine_is_read_from_the_database(call: Call) -> None:
    facts = json.loads(call("status", "--json").out)
    assert (facts["customers"], facts["waiting"], facts["running"]) == (1, 1, 1)
    assert "no engine runs" in call("status").out


def test_verify_passes_and_a_changed_database_is_found(call: Call, shop: Path) -> None:
    assert call("verify").code == 0
    database = sqlite3.connect(shop / ".postventa" / "state.db")
    database.execute("update postings set points = 99")
    database.commit()
    database.close()
    done = call("verify", "--json")
    assert done.code == 1
    found = {(one["customer"], one["history"], one["store"]) for one in json.loads(done.out)["differences"]}
    assert ("ana", "10", "99") in found


def test_history_becomes_known_and_mails_nobody(call: Call, tmp_path: Path) -> None:
    def past(type_: str, time: str, **data: object) -> str:
        return json.dumps({"id": type_ + time, "source": "shop", "type": type_, "time": time, "data": data})

    lines = [
        past("order.placed", "2025-01-01T10:00:00Z", order_id="p", total="5.00", customer={"customer_id": "ben"}),
        past("order.paid", "2025-01-01T11:00:00Z", order_id="p"),
        past("order.paid", "2026-03-05T11:00:00Z", order_id="q"),
        "{",
    ]
    file = tmp_path / "past.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    done = call("events", "import", "--history", str(file))
    assert done.code == 1
    assert done.out.strip() == "2 accepted, 2 rejected"
    assert ":3:" in done.err
    assert "no history" in done.err
    (story,) = json.loads(call("why", "ben", "--json").out)
    assert (story["runs"], story["facts"]["orders"]["count"]) == ([], 1)


def test_sending_without_an_engine_says_how_to_start_one(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text("{}", encoding="utf-8")
    done = call("events", "send", str(file))
    assert done.code == 2
    assert "postventa run" in done.err
