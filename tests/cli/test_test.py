"""`postventa test`: scenarios that hold, that do not, and that cannot be read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from postventa.cli import main

pytestmark = pytest.mark.usefixtures("read_once")
ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
test: The survey comes five days after the question
journeys: after-purchase
given:
  - event: order.placed
  - event: order.paid
    after: 5 minutes
  - event: order.delivered
    at: 2026-03-04 12:00
until: 11 days
expect:
  - send: thank-you
    at: 2026-03-02 10:05
  - send: how-was-delivery
    at: 2026-03-06 10:00
  - send: satisfaction
    at: 2026-03-11 10:00
nothing_else: true
"""


def scenario(shop: Path, tmp_path: Path, text: str, *words: str) -> tuple[int, str]:
    """(exit code, the file's name) of one scenario."""
    file = tmp_path / "one.yaml"
    file.write_text(text)
    return main.run(["test", str(file), "--project", str(shop), *words]), str(file)


def test_the_three_that_init_brings_hold(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(list((shop / "tests").glob("*.yaml"))) == 3
    assert main.run(["test", "--project", str(shop)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("✓") == 3
    assert shown.endswith("3 as expected\n")


def test_those_of_the_example_with_real_orders_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["test", "--project", str(ROOT / "examples/olist")]) == 0
    assert "2 as expected" in capsys.readouterr().out


def test_a_wrong_time_is_shown_beside_the_right_one(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scenario(shop, tmp_path, GOOD)[0] == 0
    capsys.readouterr()
    code, file = scenario(shop, tmp_path, GOOD.replace("2026-03-06 10:00", "2026-03-05 10:00"))
    assert code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"✗ {file}:13  The survey comes five days after the question"
    missing = next(line for line in lines if line.startswith("    -"))
    extra = next(line for line in lines if line.startswith("    +"))
    assert missing.split() == ["-", "Thu", "5", "Mar", "10:00", "send", "how-was-delivery", f"{file}:13"]
    assert extra.startswith("    + Fri 6 Mar 10:00   send how-was-delivery")
    assert extra.endswith("journeys/after-purchase.yaml:22")
    assert lines.index(missing) < lines.index(extra)
    assert lines[-1] == "0 as expected, 1 not"


def test_nothing_else_means_nothing_else(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    less = GOOD.replace("  - send: satisfaction\n    at: 2026-03-11 10:00\n", "")
    code, file = scenario(shop, tmp_path, less)
    shown = capsys.readouterr().out
    assert code == 1
    assert f"✗ {file}:15" in shown
    assert "+ Wed 11 Mar 10:00  send satisfaction" in shown
    assert scenario(shop, tmp_path, less.replace("nothing_else: true\n", ""))[0] == 0


def test_exits_skips_and_points(shop: Path, tmp_path: Path) -> None:
    text = """\
test: An unhappy customer gets points, a ticket, and no coupon
journeys: after-purchase
customer: {consent: {marketing: false}}
given:
  - event: order.paid
  - event: order.delivered
    after: 1 day
  - event: survey.answered
    after: 1 day
    data: {survey: satisfaction, score: 1}
expect:
  - skip: thank-you
    reason: objected
  - exit: unhappy
  - points: 50
"""
    assert scenario(shop, tmp_path, text)[0] == 0
    assert scenario(shop, tmp_path, text.replace("points: 50", "points: 51"))[0] == 1
    assert scenario(shop, tmp_path, text.replace("exit: unhappy", "exit: completed"))[0] == 1
    assert scenario(shop, tmp_path, text.replace("reason: objected", "reason: cap"))[0] == 1


@pytest.mark.parametrize(
    ("found", "written", "place", "says"),
    [
        ("event: order.paid", "event: order.payd", "5:12 error C106", "did you mean 'order.paid'?"),
        ("send: satisfaction", "send: satisfacton", "15:11 error C108", "did you mean 'satisfaction'?"),
        ("journeys: after-purchase", "journeys: after-purchas", "2:11 error C107", "did you mean 'after-purchase'?"),
        ("nothing_else: true", "nothing_els: true", "17:1 error C104", "did you mean 'nothing_else'?"),
        ("at: 2026-03-06 10:00", "at: tomorrow", "14:9 error C105", "'tomorrow' is not a time"),
        ("after: 5 minutes", "after: 5 minuts", "6:12 error C105", "did you mean 'minutes'?"),
        ("until: 11 days", "variants: {second-order: cupon}", "9:26 error C110", "did you mean 'coupon'?"),
        ("    at: 2026-03-04 12:00", "    data: {delivered_at: 5}", "8:", "C109 'delivered_at'"),
        ("given:\n", "given: [\n", "", "error Y1"),
    ],
)
def test_mistakes_in_a_scenario_are_told_at_their_line(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], found: str, written: str, place: str, says: str
) -> None:
    assert found in GOOD
    code, file = scenario(shop, tmp_path, GOOD.replace(found, written, 1))
    shown = capsys.readouterr().out
    assert code == 1
    assert f"{file}:{place}" in shown
    assert says in shown


def test_results_for_a_build_server(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("test: one\ngivn: []\n")
    (tmp_path / "fails.yaml").write_text(GOOD.replace("2026-03-06", "2026-03-07"))
    (tmp_path / "good.yaml").write_text(GOOD)
    files = [str(tmp_path / name) for name in ("bad.yaml", "fails.yaml", "good.yaml")]
    assert main.run(["test", *files, "--project", str(shop), "--junit", str(tmp_path / "out.xml")]) == 1
    suite = ET.parse(tmp_path / "out.xml").getroot()
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    failure = suite.find(".//failure")
    assert failure is not None
    assert "- Sat 7 Mar 10:00 send how-was-delivery" in (failure.text or "")


def test_nothing_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "postventa.yaml").write_text("shop: S\n")
    assert main.run(["test", "--project", str(tmp_path)]) == 2
    assert "there are no scenarios" in capsys.readouterr().err
