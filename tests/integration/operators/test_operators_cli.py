"""The operator's commands, each through a running engine and directly on the database: the same words, the same end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from operators_world import KEYS, Running, make

from postventa.cli.main import run


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture(params=["by the engine", "directly"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    made = make(tmp_path / "shop")
    if request.param == "directly":
        yield made
        return
    engine = Running(made)
    yield made
    assert engine.stop() == 0


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def command(*words: str) -> Done:
        capsys.readouterr()
        code = run([*words, "--project", str(folder)])
        return Done(code, *capsys.readouterr())

    return command


def audit(folder: Path) -> list[str]:
    with sqlite3.connect(folder / ".postventa" / "state.db") as db:
        return [row[0] for row in db.execute("select what from audit where who != 'postventa' order by number")]


def test_dead_letters_are_looked_at_read_again_and_discarded(call: Call, folder: Path) -> None:
    assert [one["id"] for one in call("dead-letters", "list", "--json").json] == [3, 2, 1]
    assert "orders/0/17" in call("dead-letters", "list", "--source", "orders/").out
    shown = call("dead-letters", "show", "1")
    assert "/type" in shown.out
    assert "o-9/placed" in shown.out
    done = call("dead-letters", "replay", "--all", "--json")
    assert done.code == 1
    assert [(one["id"], one["ok"]) for one in done.json["results"]] == [("1", True), ("2", False), ("3", False)]
    assert call("why", "zoe").code == 0
    gone = call("dead-letters", "discard", "2", "3", "--reason", "a test of the platform")
    assert gone.code == 0, gone.err
    assert call("dead-letters", "list").out == "There are no dead letters.\n"
    assert audit(folder)[-3:] == ["dead letter replayed", "dead letter discarded", "dead letter discarded"]
    missing = call("dead-letters", "show", "1")
    assert (missing.code, "postventa dead-letters list" in missing.err) == (2, True)


def test_mails_in_doubt_are_sent_again_or_left(call: Call, folder: Path) -> None:
    ana, bob = sorted(call("messages", "uncertain", "list", "--json").json, key=lambda one: one["customer"])
    assert (ana["to"], ana["detail"]) == ("ana@example.com", "the connection was lost")
    assert call("messages", "uncertain", "resend", ana["id"], "--reason", "its log has nothing").code == 0
    assert call("messages", "uncertain", "drop", bob["id"]).code == 0
    assert call("messages", "uncertain", "list").out == "No mail is uncertain.\n"
    again = call("messages", "uncertain", "resend", bob["id"])
    assert (again.code, again.err) == (1, f"{bob['id']}: it is not uncertain but gave_up\n")
    assert audit(folder)[-2:] == ["message resend", "message drop"]


def test_a_parked_run_goes_on_or_ends(call: Call, folder: Path) -> None:
    (cleo,) = call("runs", "parked", "list", "--json").json
    assert (cleo["customer_id"], cleo["reason"]) == ("cleo", "KeyError: 'weight'")
    assert call("runs", "parked", "retry", "--all", "--journey", "arrived").out == "No run is parked.\n"
    done = call("runs", "parked", "retry", cleo["run_id"])
    assert (done.code, done.out) == (0, f"{cleo['run_id']}: goes on\n")
    assert call("runs", "parked", "list").out == "No run is parked.\n"
    unknown = call("runs", "parked", "end", "r-1", "--reason", "x")
    assert (unknown.code, "no parked run is called r-1" in unknown.err) == (2, True)
    assert audit(folder)[-1] == "retry run"


def test_a_customers_run_is_cancelled(call: Call, folder: Path) -> None:
    done = call("runs", "cancel", "dan@example.com", "--reason", "he rang")
    assert done.code == 0, done.err
    assert "ended" in done.out
    assert "he rang" in call("why", "dan").out
    again = call("runs", "cancel", "dan@example.com", "--reason", "he rang")
    assert (again.code, "postventa why dan@example.com" in again.err) == (2, True)
    assert audit(folder)[-1] == "end run"


def test_an_address_is_suppressed_once_and_for_all(call: Call, folder: Path) -> None:
    assert "suppressed" in call("suppress", "Ana@example.com", "--reason", "asked on the phone").out
    assert "already: asked on the phone" in call("suppress", "ana@example.com", "--reason", "again").out
    assert call("suppress", "nobody", "--reason", "x").code == 2
    assert audit(folder)[-2:] == ["suppress", "suppress"]


def test_nothing_named_is_not_everything(call: Call) -> None:
    for words in (["dead-letters", "replay"], ["messages", "uncertain", "drop"], ["runs", "parked", "retry"]):
        done = call(*words)
        assert (done.code, "or --all" in done.err) == (2, True)
    assert call("dead-letters", "replay", "1", "--all").code == 2
