"""doctor, preview, publish, pause and resume on a project nobody runs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from postventa import starter
from postventa.cli.main import run
from postventa.runtimes import beacon

sys.path.insert(0, str(Path(__file__).parents[2] / "contracts" / "channels"))

from harness import mail_server

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run one command on a fresh starter project: exit code, output, errors."""
    starter.copy_to(tmp_path / "shop")

    def one(*words: str) -> tuple[int, str, str]:
        code = run([*words, "--project", str(tmp_path / "shop")])
        told = capsys.readouterr()
        return code, told.out, told.err

    return one


def test_doctor_finds_nothing_wrong_with_a_new_project(say: Say) -> None:
    code, told, _ = say("doctor", "--json")
    assert code == 0, told
    assert {one["result"] for one in json.loads(told)} <= {"ok", "warn"}


def test_doctor_names_a_mail_server_that_is_not_there(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTVENTA_KEYS", raising=False)
    settings = "shop: S\npublic_url: https://a.example.com\nchannels: {email: {kind: smtp, host: 127.0.0.1, port: 9}}\n"
    (tmp_path / "shop" / "postventa.yaml").write_text(settings, encoding="utf-8")
    code, told, _ = say("doctor")
    assert code == 1
    assert "cannot be reached" in told
    assert "POSTVENTA_KEYS" in told


def test_preview_shows_a_message_in_a_language(say: Say) -> None:
    code, told, _ = say("preview", "thank-you", "--locale", "en")
    assert (code, "Ana" in told) == (0, True)
    assert told.startswith("Subject: Thank you")
    code, _, error = say("preview", "thank-yuo")
    assert code == 2
    assert "thank-you" in error
    code, _, error = say("preview", "thank-you", "--to", "me@example.com")
    assert code == 2
    assert "mailbox" in error


async def test_a_preview_is_sent_to_whoever_asks_by_the_projects_own_server(say: Say, tmp_path: Path) -> None:
    async with mail_server() as far:
        settings = f"channels: {{email: {{kind: smtp, host: 127.0.0.1, port: {far.port}, tls: none}}}}\n"
        head = "shop: S\nlocale: es\nlocales: [es, en]\npublic_url: https://a.example.com\n"
        (tmp_path / "shop" / "postventa.yaml").write_text(head + settings, encoding="utf-8")
        code, told, error = await asyncio.to_thread(say, "preview", "thank-you", "--to", "me@example.com")
    assert (code, error) == (0, "")
    assert told.startswith("Sent to me@example.com")
    (mail,) = (message_from_bytes(content, policy=default) for content in far.contents)
    assert mail["To"] == "me@example.com"
    assert mail["Subject"].startswith("[preview] Gracias")


def test_a_real_channel_without_a_public_url_does_not_start(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTVENTA_KEYS", "test:0123456789abcdef0123456789abcdef")
    settings = "shop: S\nchannels: {email: {kind: smtp, host: 127.0.0.1, port: 9}}\n"
    (tmp_path / "shop" / "postventa.yaml").write_text(settings, encoding="utf-8")
    for words in (("run",), ("publish",), ("validate",)):
        code, told, error = say(*words)
        assert code in {1, 2}, words
        assert "public_url" in told + error, words


def test_nothing_acts_on_settings_that_cannot_be_read(say: Say, tmp_path: Path) -> None:
    """Their defaults would be another database, and a mailbox instead of the mail server."""
    settings = "shop: S\npublic_url: https://a.example.com\nchanels: {email: {kind: smtp, host: mx.example.com}}\n"
    (tmp_path / "shop" / "postventa.yaml").write_text(settings, encoding="utf-8")
    everyday = (
        ("run",), ("run", "--dev"), ("status",), ("why", "ana"), ("pause", "--all", "--reason", "x"),
        ("resume", "--all"), ("publish",), ("verify",),
    )  # fmt: skip
    for words in everyday:
        code, told, error = say(*words)
        assert code == 1, words
        assert "postventa.yaml:3:1" in told + error, words
        assert "channels" in told + error, words
    assert not (tmp_path / "shop" / ".postventa").exists()


def test_a_pause_speaks_to_the_demo_that_runs_here_and_never_writes_past_it(say: Say, tmp_path: Path) -> None:
    demo = tmp_path / "shop" / ".postventa" / "demo" / "state.db"
    demo.parent.mkdir(parents=True)
    beacon.light(demo, "http://127.0.0.1:9")
    code, _, error = say("pause", "after-purchase", "--reason", "a wrong price")
    assert code == 2
    assert "nobody answers" in error
    assert "http://127.0.0.1:9" in error
    assert not (tmp_path / "shop" / ".postventa" / "state.db").exists()


def test_publish_pause_and_resume_without_an_engine(say: Say) -> None:
    assert say("publish")[0] == 0
    assert say("pause", "after-purchase", "--reason", "a wrong price")[0] == 0
    assert "paused: journey:after-purchase" in say("doctor")[1]
    assert "0 messages were left out" in say("resume", "after-purchase", "--skip-before", "now")[1]
    assert "was not paused" in say("resume", "--all")[1]
    code, _, error = say("pause", "nothing", "--reason", "why")
    assert code == 2
    assert "after-purchase" in error
    assert say("pause", "--all", "--channel", "email", "--reason", "why")[0] == 2


def test_publish_pause_and_resume_speak_to_programs(say: Say) -> None:
    """One JSON object each on standard output; what is for people stays out of it."""
    published = json.loads(say("publish", "--json")[1])
    (release,) = json.loads(say("publish", "--list", "--json")[1])["releases"]
    assert (published["release"], published["running"], release["hash"], release["live"]) == (
        release["hash"], False, release["hash"], True,
    )  # fmt: skip
    paused = json.loads(say("pause", "after-purchase", "--reason", "a wrong price", "--json")[1])
    assert (paused["paused"], paused["reason"]) == ("journey:after-purchase", "a wrong price")
    resumed = json.loads(say("resume", "after-purchase", "--json")[1])
    assert (resumed["resumed"], resumed["was_paused"], resumed["skipped"]) == ("journey:after-purchase", True, 0)
