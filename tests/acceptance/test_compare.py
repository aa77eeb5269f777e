"""What a change of the files does to past events: `backtest --compare`, its table, its JSON, its page."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postventa import starter
from postventa.cli.main import run
from postventa.cli.reach import own_database
from postventa.engine.batch import take
from postventa.engine.compare import Side, compare
from postventa.engine.engine import open_engine
from postventa.engine.replay import instant
from postventa.project import Project
from postventa.runtimes.stores import store_of
from postventa.schemas.parse import parse_event
from postventa.web.side_by_side import FATES, HELD, MOVES, PEOPLE, PER
from postventa.web.spanish import TEXTS

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = str(ROOT / "samples" / "events.jsonl")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    starter.copy_to(folder)
    shutil.rmtree(folder / ".vscode", ignore_errors=True)
    return folder


def test_a_shorter_wait_moves_surveys_earlier(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--json"]) == 0
    before = tmp_path / "before.jsonl"
    before.write_text(capsys.readouterr().out, encoding="utf-8")
    journey = shop / "journeys" / "after-purchase.yaml"
    assert "wait: 5 days" in journey.read_text(encoding="utf-8")
    journey.write_text(journey.read_text(encoding="utf-8").replace("wait: 5 days", "wait: 2 days"), encoding="utf-8")

    again = ["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(before)]
    assert run(again) == 0
    told = capsys.readouterr().out
    assert "satisfaction" in told
    assert "earlier" in told
    assert "customers change" in told

    assert run([*again, "--json"]) == 0
    changes = [json.loads(line) for line in capsys.readouterr().out.splitlines()][:-1]
    assert any(one["message"] == "satisfaction" and one["after"] < one["before"] for one in changes if one["before"])
    assert not any(one["message"] == "order-confirmation" for one in changes)


def test_nothing_changes_when_nothing_changed(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["backtest", "--project", str(shop), "--events", EVENTS, "--json"])
    before = tmp_path / "before.jsonl"
    before.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(before)]) == 0
    assert "Nothing changes" in capsys.readouterr().out


def test_a_file_that_is_no_backtest_is_named(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"at": 1}\n', encoding="utf-8")
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(wrong)]) == 2
    assert "wrong.jsonl:1" in capsys.readouterr().err


# --- where the other version comes from -------------------------------------------------------------------------------
@pytest.fixture
def shorter(shop: Path, tmp_path: Path) -> Path:
    """The same shop with a shorter wait."""
    other = tmp_path / "shorter"
    shutil.copytree(shop, other)
    change(other / "journeys" / "after-purchase.yaml", "wait: 5 days", "wait: 2 days")
    return other


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


Told = list[dict[str, Any]]


@pytest.fixture
def compared(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    def call(project: Path, *more: str) -> Told:
        capsys.readouterr()
        code = run(["backtest", "--project", str(project), "--events", EVENTS, "--json", *more])
        out, err = capsys.readouterr()
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]

    return call


def test_a_folder_a_commit_a_release_and_a_file_tell_the_same(
    shop: Path, shorter: Path, compared: Callable[..., Told], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_folder = compared(shorter, "--compare", str(shop))
    assert len(by_folder) > 1
    git(shorter, "init", "--quiet")
    for file in ("journeys", "templates", "surveys", "postventa.yaml", "brand.yaml", "loyalty.yaml", "products.csv"):
        git(shorter, "add", file)
    git(shorter, "commit", "--quiet", "-m", "as it is")
    git(shorter, "tag", "two-days")
    change(shorter / "journeys" / "after-purchase.yaml", "wait: 2 days", "wait: 5 days")
    back = compared(shorter, "--compare-git", "two-days")
    assert [(one["before"], one["after"]) for one in back[:-1]] == [
        (one["after"], one["before"]) for one in by_folder[:-1]
    ]
    assert run(["publish", "--project", str(shop)]) == 0
    change(shop / "journeys" / "after-purchase.yaml", "wait: 5 days", "wait: 2 days")
    assert compared(shop, "--compare-release", "live") == by_folder
    written = tmp_path / "before.jsonl"
    written.write_text("".join(json.dumps(one) + "\n" for one in compared(shorter)), encoding="utf-8")
    by_file = compared(shop, "--compare", str(written))
    assert [{**one, "why": None} for one in by_file[:-1]] == [{**one, "why": None} for one in by_folder[:-1]]
    assert by_file[-1] == by_folder[-1]


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@shop.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--compare-release", "abcdef"], "0 releases begin with 'abcdef'"),
        (["--compare-git", "nowhere"], "--compare-git nowhere"),
        (["--compare-git", "--output=/tmp/x"], "--compare-git --output"),
        (["--compare", ".", "--compare-git", "x"], "two other versions are named"),
        (["--html", "page.html"], "the page shows two versions side by side"),
        (["--database"], "say where the events are"),
        (["--topic", "nowhere"], "say where the events are"),
        (["--since", "yesterday"], "'yesterday' is not a time"),
    ],
)
def test_what_cannot_be_compared_is_told(
    shop: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / ".postventa").mkdir()
    if "--compare-release" in words:
        run(["publish", "--project", str(shop)])
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, *words]) == 2
    assert told in capsys.readouterr().err


def test_since_plays_everything_and_counts_only_what_comes_later(
    shop: Path, shorter: Path, compared: Callable[..., Told]
) -> None:
    everything = compared(shorter, "--compare", str(shop))[:-1]
    times = sorted(max(one["before"] or "", one["after"] or "") for one in everything)
    middle = times[len(times) // 2]
    later = compared(shorter, "--compare", str(shop), "--since", middle)[:-1]
    assert later == [one for one in everything if max(one["before"] or "", one["after"] or "") >= middle]
    assert 0 < len(later) < len(everything)


@pytest.fixture
def lines() -> list[bytes]:
    return Path(EVENTS).read_bytes().splitlines()


async def test_the_database_has_the_same_past_as_the_file(
    shop: Path, lines: list[bytes], compared: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / ".postventa").mkdir()
    await taken_in(Project.load(shop), lines)
    await same_as_the_file(shop, compared, capsys)


@pytest.mark.slow
@pytest.mark.postgres
async def test_a_database_of_postgresql_has_it_too(
    shop: Path, lines: list[bytes], compared: Callable[..., Told], capsys: pytest.CaptureFixture[str],
    dsn: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("SHOP_DATABASE", dsn)
    with (shop / "postventa.yaml").open("a", encoding="utf-8") as settings:
        settings.write("\nstore: {postgres_env: SHOP_DATABASE, postgres_schema: shop}\n")
    assert await asyncio.to_thread(run, ["db", "upgrade", "--project", str(shop)]) == 0
    await taken_in(Project.load(shop), lines)
    capsys.readouterr()
    await same_as_the_file(shop, compared, capsys)
    assert not (shop / ".postventa" / "state.db").exists()


async def taken_in(project: Project, lines: list[bytes]) -> None:
    """The events through a real engine into the project's own store, each at its time."""
    incomings = sorted(
        (parse_event(line, project.registry, now=NOW) for line in lines), key=lambda one: one.event.order_key
    )
    assert project.root is not None
    store = store_of(project.settings, own_database(project.root, project.settings))
    await store.open()
    engine = await open_engine(store, "a-secret")
    await engine.releases.publish(project, incomings[0].event.occurred_at, "tests", "")
    for one in incomings:
        await take(engine, [one], instant(one.event))
    await store.close()


async def same_as_the_file(shop: Path, compared: Callable[..., Told], capsys: pytest.CaptureFixture[str]) -> None:
    """The backtest of the store says what the backtest of the file says."""
    by_file = compared(shop)
    await asyncio.to_thread(run, ["backtest", "--project", str(shop), "--database", "--json"])
    by_database = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["customer"] for one in by_file if one["customer"].startswith("guest")} == set()
    assert by_database == by_file != []


# --- the page ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_is_one_file_with_every_figure_in_a_table(
    shop: Path, shorter: Path, compared: Callable[..., Told], tmp_path: Path, language: str
) -> None:
    with (shorter / "postventa.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"\nlanguage: {language}\n")
    page = tmp_path / "page.html"
    told = compared(shorter, "--compare", str(shop), "--html", str(page))
    html = page.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in html
    assert not re.search(r"<script|<link rel=.stylesheet|src=|@import|https?://(?!www\.w3\.org)", html)
    assert html.count("<svg") == html.count('role="img"') == 3
    assert html.count("<table") >= 5
    summary = told[-1]["summary"]
    for count in (summary["customers"]["changed"], summary["mails"]["after"]):
        assert f"{count:,}" in html
    for one in summary["examples"]:
        assert one["customer"] in html
    assert ("Qué cambia con estos archivos" in html) == (language == "es")
    again = tmp_path / "again.html"
    compared(shorter, "--compare", str(shop), "--html", str(again))
    assert again.read_bytes() == page.read_bytes()


def test_every_text_of_the_comparison_is_spoken_in_spanish() -> None:
    """What stands behind a name in the code; what stands between quotes is found by the pages' own test."""
    named = [*PEOPLE.values(), *FATES.values(), *HELD.values(), *MOVES, *PER.values(), "only before", "only after"]
    folder = ROOT / "src" / "postventa"
    files = [folder / "web" / "pages" / "side-by-side.html", folder / "web" / "side_by_side.py"]
    files += [folder / "cli" / "comparing.py", folder / "cli" / "backtest.py"]
    for file in files:
        named += re.findall(r'\bt\(\s*"([^"]+)"', file.read_text(encoding="utf-8"))
    missing = sorted({text for text in named if text not in TEXTS})
    assert len(named) > 60
    assert missing == []


# --- mail by mail -----------------------------------------------------------------------------------------------------
def sent(
    at: str, subject: str, customer: str = "c", message: str = "m", decision: str = "send", **more: Any
) -> dict[str, Any]:
    return {"at": at, "customer": customer, "subject": subject, "journey": "j", "step": "s", "round": 1,
            "message": message, "decision": decision, **more}  # fmt: skip


def test_added_dropped_and_moved() -> None:
    found = compare(
        Side([sent("2026-01-01T00:00:00Z", "order:1"), sent("2026-01-01T00:00:00Z", "order:2")]),
        Side([sent("2026-01-03T00:00:00Z", "order:1"), sent("2026-01-01T00:00:00Z", "order:3")]),
    )
    assert [(one.subject, one.before is None, one.after is None) for one in found.changes] == [
        ("order:1", False, False), ("order:2", False, True), ("order:3", True, False),
    ]  # fmt: skip
    row = found.sums[0]
    assert (row.before, row.after, row.moved, row.shift.days, row.added, row.dropped) == (2, 2, 1, 2, 1, 1)


def test_who_gets_more_fewer_other_or_moved_mails() -> None:
    one, two = "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"
    before = [sent(one, "o:1", "more"), sent(one, "o:2", "fewer"), sent(two, "o:3", "fewer"), sent(one, "o:4", "other"),
              sent(one, "o:5", "moved"), sent(one, "o:6", "same"), sent(one, "o:7", "gone")]  # fmt: skip
    after = [sent(one, "o:1", "more"), sent(two, "o:8", "more"), sent(one, "o:2", "fewer"),
             sent(one, "o:4", "other", "another"), sent(two, "o:5", "moved"), sent(one, "o:6", "same")]  # fmt: skip
    found = compare(Side(before), Side(after))
    assert found.people == {"more": 1, "fewer": 2, "other": 1, "moved": 1, "same": 1}
    assert [(one.customer, one.kind) for one in found.examples] == [
        ("more", "more"), ("fewer", "fewer"), ("other", "other"), ("moved", "moved"), ("gone", "fewer"),
    ]  # fmt: skip
    assert found.customers == 5


def test_the_most_for_one_customer_in_all_and_within_seven_days() -> None:
    days = [sent(f"2026-01-{day:02}T00:00:00Z", f"o:{day}", "often") for day in (1, 9, 17, 25)]
    days += [sent(f"2026-01-{day:02}T00:00:00Z", f"o:{day}", "at once") for day in (1, 5, 7, 8)][:3]
    found = compare(Side(days), Side(days[:1]))
    assert found.most[0] == (4, "often", 3, "at once")
    assert found.most[1] == (1, "often", 1, "often")
    edge = [sent("2026-01-01T00:00:00Z", "o:1"), sent("2026-01-08T00:00:00Z", "o:2")]
    assert compare(Side(edge), Side([])).most[0].week == 1, "the eighth day is another week"


def test_what_sending_hours_caps_and_holds_put_off() -> None:
    def held(reason: str, subject: str) -> list[dict[str, Any]]:
        return [
            sent("2026-01-01T23:00:00Z", subject, decision="defer", reason=reason),
            sent("2026-01-02T09:00:00Z", subject),
        ]

    before = held("outside the send window: moved to 2026-01-02 09:00", "o:1")
    after = [*held("the cap of 3 per 7 days is reached", "o:1"), *held("after-purchase holds marketing", "o:2")]
    after += [sent("2026-01-05T00:00:00Z", "o:3", decision="defer", reason="outside the send window: moved to …")]
    found = compare(Side(before), Side(after))
    assert [(one.by, one.before, one.after) for one in found.put_off] == [
        ("cap", 0, 1),
        ("hold", 0, 1),
        ("window", 1, 0),
    ]
    assert found.put_off[2].wait_before.total_seconds() == 10 * 3600
