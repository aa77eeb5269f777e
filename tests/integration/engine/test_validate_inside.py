"""`validate` where a store is at hand: a step that is taken out while people still stand at it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_shop import FILES, T0, paid, placed

from postventa.cli import main
from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.project import Project
from postventa.store.sqlite import SqliteStore

HEAD = b"journey: thanks\nsubject: order\nstart: {on: order.paid}\nedits: follow\nsteps:\n  - send: thanks\n"
PAUSE = b"  - wait: 2 days\n    id: pause\n"
TIPS = b"  - send: tips\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop on a SQLite file with three people at the wait."""
    for name, raw in {**FILES, "journeys/thanks.yaml": HEAD + PAUSE + TIPS}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    (tmp_path / ".postventa").mkdir()
    asyncio.run(_three_people(tmp_path))
    return tmp_path


async def _three_people(folder: Path) -> None:
    store = SqliteStore(folder / ".postventa/state.db")
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(Project.load(folder), T0)
    for name in ("a", "b", "c"):
        await take(engine, [placed(f"o-{name}", customer_id=name, email=f"{name}@example.com"), paid(f"o-{name}")], T0)
    for one in await claim(engine, T0):
        await settle(engine, [Settled(one.record.effect_id, one.record.customer_id, "sent", T0, one.attempt)], T0)
    await store.close()


def said(folder: Path, steps: bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (folder / "journeys/thanks.yaml").write_bytes(steps)
    return main.run(["validate", "--project", str(folder)]), capsys.readouterr().out


def test_a_removed_step_that_still_holds_people(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(shop, HEAD + TIPS, capsys)
    assert code == 0
    assert "journeys/thanks.yaml:4:1 warning J246 3 people stand at 'pause', which this file no longer has" in out
    code, out = said(shop, HEAD, capsys)
    assert code == 1
    assert "journeys/thanks.yaml:4:1 error J246 3 people stand at 'pause', which this file no longer has" in out


def test_who_finishes_or_stands_at_a_kept_step_is_no_trouble(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(shop, HEAD + PAUSE, capsys)[0] == 0
    code, out = said(shop, HEAD.replace(b"follow", b"finish"), capsys)
    assert code == 0
    assert "J246" not in out


def test_a_step_that_only_got_its_id_is_the_same_step_for_validate_and_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People were let in under `finish`, where a wait needs no id; `follow` asks for one, and they stand there yet."""
    begun = HEAD.replace(b"edits: follow\n", b"") + PAUSE.replace(b"    id: pause\n", b"") + TIPS
    for name, raw in {**FILES, "journeys/thanks.yaml": begun}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    (tmp_path / ".postventa").mkdir()
    asyncio.run(_three_people(tmp_path))
    code, out = said(tmp_path, HEAD + PAUSE + TIPS, capsys)
    assert (code, "J246" in out) == (0, False), out
    assert main.run(["plan", "--project", str(tmp_path)]) == 0
    assert "step steps/1 is called pause now (line 7)" in capsys.readouterr().out
