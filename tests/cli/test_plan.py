"""`plan`, `publish`, `migrate` as a marketer meets them: a real project in a folder, its SQLite file, no engine."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postventa.cli import control, main
from postventa.engine.batch import take
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.release import Releases
from postventa.engine.verify import Verified, verify
from postventa.project import Project
from postventa.schemas.parse import parse_event
from postventa.store.sqlite import SqliteStore

NOW = datetime.now(UTC)
MESSAGE = "class: transactional\nsubject: {en: Hello}\n"
HEAD = "journey: care\ntitle: Care\nowner: a@shop.example\nsubject: order\nstart: {on: order.paid}\n"
FILES = {
    "postventa.yaml": "shop: Test\nlocale: en\ntimezone: UTC\nlive_from: 2020-01-01T00:00:00Z\nlanguage: LANG\n",
    "brand.yaml": "name: Test\nsender: Test <a@shop.example>\npostal_address: Street 1\n",
    "templates/thanks/message.yaml": MESSAGE, "templates/thanks/en.md": "Hello.\n",
    "templates/tip/message.yaml": MESSAGE, "templates/tip/en.md": "A tip.\n",
}  # fmt: skip
OLD = "edits: follow\nsteps:\n  - send: thanks\n  - wait: 2 days\n    id: pause\n  - send: tip\n"


def write(folder: Path, journey: str = OLD, language: str = "en", **more: str) -> None:
    for name, text in {**FILES, "journeys/care.yaml": HEAD + journey, **more}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("LANG", language), encoding="utf-8")


async def _people(folder: Path, count: int) -> None:
    """Each has had the first mail and stands at the wait, since a day and a half ago."""
    loaded = Project.load(folder)
    began = NOW - timedelta(hours=36)
    async with control.opened(folder, loaded.settings) as engine:
        for number in range(count):
            for kind in ("placed", "paid"):
                data = {
                    "order_id": f"o-{number}",
                    "customer_id": f"c-{number}",
                    "customer": {"email": f"c{number}@x.example"},
                }
                record = {"id": f"o-{number}/{kind}", "source": "shop", "type": f"order.{kind}", "data": data,
                          "time": began.isoformat()}  # fmt: skip
                await take(engine, [parse_event(record, loaded.registry, now=began)], began)
        for one in await claim(engine, began, 1000):
            await settle(
                engine, [Settled(one.record.effect_id, one.record.customer_id, "sent", began, one.attempt)], began
            )


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Ten people at a wait of two days, half a day before its end."""
    write(tmp_path)
    assert main.run(["publish", "--project", str(tmp_path)]) == 0
    asyncio.run(_people(tmp_path, 10))
    capsys.readouterr()
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], shop: Path, *words: str, code: int = 0) -> str:
    assert main.run([*words, "--project", str(shop)]) == code, capsys.readouterr()
    found = capsys.readouterr()
    return found.out if code != 2 else found.err


def dues(shop: Path) -> set[str]:
    async def ask() -> set[str]:
        store = SqliteStore(shop / ".postventa" / "state.db", readonly=True)
        await store.open()
        try:
            states = [await store.views.customer(one) for one in await store.views.customer_ids()]
            checked = Verified()
            assert [one async for one in verify(store.views, Releases(store), checked)] == []
            runs = [run for state in states if state for run in state.runs.values()]
            return {str((run.stand.due_at - NOW).total_seconds() / 3600) for run in runs if run.stand.due_at}
        finally:
            await store.close()

    return asyncio.run(ask())


LONGER = OLD.replace("2 days", "7 days")


def test_a_plan_says_in_words_what_changes_and_for_whom(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, LONGER.replace("follow", "retime"), **{"templates/tip/en.md": "A better tip.\n"})
    text = told(capsys, shop, "plan")
    assert "step pause (line 9): wait 2 days → 7 days" in text
    assert "edits: follow → retime" in text
    assert "templates/tip/en.md: changed" in text
    assert [line.split() for line in text.splitlines() if line.startswith("    ")][1][2:] == ["10", "the", "same"]
    assert ["finish", "10", "0"] in [line.split() for line in text.splitlines()]
    assert "care / tip" in text
    facts = json.loads(told(capsys, shop, "plan", "--format", "json"))
    (one,) = facts["journeys"]
    assert one["inside"] == 10
    assert one["fates"] == {"finish": {"stay": 10}, "follow": {"stay": 10}, "retime": {"other time": 10}}
    assert facts["sends"] == [{"journey": "care", "message": "tip", "before": 10, "after": 0}]
    comment = told(capsys, shop, "plan", "--format", "markdown")
    assert "| care / tip | 10 | 0 |" in comment
    assert dues(shop) == {"12.0"}  # it only looked


def test_a_sample_is_scaled_and_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, LONGER)
    text = told(capsys, shop, "plan", "--people", "4")
    assert "4 of 10 customers were asked; the figures are scaled to all." in text
    assert ["follow", "(this", "file's", "word)", "10", "0"] in [line.split() for line in text.splitlines()]


def test_retime_to_a_shorter_wait_is_told_before_it_happens(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, OLD.replace("2 days", "1 day").replace("follow", "retime"))
    facts = json.loads(told(capsys, shop, "plan", "--format", "json"))
    assert facts["journeys"][0]["fates"]["retime"] == {"now": 10}


def test_other_rules_for_all_change_what_is_sent_though_no_journey_does(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has said yes to advertising: as that, the tip would reach nobody."""
    write(shop, **{"templates/tip/message.yaml": MESSAGE.replace("transactional", "marketing")})
    facts = json.loads(told(capsys, shop, "plan", "--format", "json"))
    assert (facts["journeys"], facts["people"]) == ([], 10)
    assert facts["sends"] == [{"journey": "care", "message": "tip", "before": 10, "after": 0}]
    text = told(capsys, shop, "plan")
    assert "templates/tip/message.yaml: changed" in text
    assert "Mails in the next 24 hours to people inside now" in text


def test_a_plan_in_spanish(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, LONGER + "  - send: thanks\n    id: again\n", "es")
    text = told(capsys, shop, "plan")
    assert "paso again añadido (línea 12): send: thanks" in text
    assert "10 dentro" in text
    assert "Correos de las próximas 24 horas" in text
    for english in ("step", "inside", "people", "changed", "before", "word"):
        assert english not in text.replace("pause", "")


def test_nobody_is_published_to_nowhere(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, "edits: follow\nsteps:\n  - send: thanks\n")
    text = told(capsys, shop, "plan", code=1)
    assert "REFUSED: 10 people stand at steps of care that are gone" in text
    assert "step pause removed: wait: 2 days" in text
    refused = told(capsys, shop, "publish", code=2)
    assert "people inside would stand nowhere (10)" in refused
    assert "postventa migrate care --map pause=NEW-STEP" in refused


def test_publish_there_and_back(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = told(capsys, shop, "publish", "--list").split()[0]
    write(shop, LONGER.replace("follow", "retime"))
    text = told(capsys, shop, "publish", "-m", "a longer wait")
    assert "journey care: 10 go over to version" in text
    assert "10 went over." in text
    assert dues(shop) == {"132.0"}
    assert [line.endswith("live") for line in told(capsys, shop, "publish", "--list").splitlines()] == [True, False]
    back = told(capsys, shop, "publish", "--to", first)
    assert f"Release {first} is live again." in back
    assert "10 went over." in back
    assert dues(shop) == {"12.0"}


def test_migrate_with_a_map_and_back(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = json.loads(told(capsys, shop, "plan", "--format", "json"))
    assert older["journeys"] == []
    new = "edits: finish\nsteps:\n  - send: thanks\n  - wait: 3 days\n    id: rest\n  - send: tip\n"
    write(shop, new)
    told(capsys, shop, "publish")
    words = ("migrate", "care", "--map", "pause=rest", "--as", "retime")
    dry = told(capsys, shop, *words, "--dry-run")
    assert "rest" in dry
    assert "nothing was changed" in dry
    assert dues(shop) == {"12.0"}
    assert "10 went over." in told(capsys, shop, *words)
    assert dues(shop) == {"36.0"}
    assert "Nobody stands in another version of care." in told(capsys, shop, *words[:2])


def test_before_the_first_publish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    assert "publish would make 1 journeys live" in told(capsys, tmp_path, "plan")
    assert not (tmp_path / ".postventa").exists()


def test_what_migrate_refuses(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "'pause' names no two steps" in told(capsys, shop, "migrate", "care", "--map", "pause", code=2)
    assert "no journey 'nope' is published" in told(capsys, shop, "migrate", "nope", code=2)
    assert "0 versions of journey 'care' begin with 'zzz'" in told(
        capsys, shop, "migrate", "care", "--to", "zzz", code=2
    )
