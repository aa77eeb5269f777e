"""Every code is explained, with an example that has the mistake and the same example mended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from postventa.cli import main
from postventa.cli.explain import HEAD, examples, meanings
from postventa.project import Project
from postventa.testing.scenario import run
from postventa.testing.scenario_form import read_scenario

ROOT = Path(__file__).parents[2]
STANDS_FOR = {"<U+0007>": "\x07", "<LONG>": "A long mail. " * 12_000, "# … 300 kB of journey …": "#" * 300_000}
"""What cannot be shown in a terminal."""


def shop(about: str) -> dict[str, str]:
    """A small project, with what the text of an example names."""
    kinds = {"tutorial": "tutorial", "satisfaction": "survey", "referral-invite": "referral"}
    names = ("thank-you", "how-was-delivery", "loyalty-coupon", "points-balance", "delay-notice", *kinds)
    files = {
        "postventa.yaml": "shop: S\nlocale: es\nlocales: [es, en]\ngroups: {care: [care@shop.example]}\n"
        "caps: [{emails: 3, per: 7 days}]\n",
        "brand.yaml": "name: S\npostal_address: Olmo 12, Madrid\npromises: {delivery_hours: 48}\n",
        "surveys/satisfaction.yaml": "survey: satisfaction\nkind: csat\nmessage: satisfaction\n"
        "question: {es: a, en: b}\n",
        "loyalty.yaml": "rewards: {welcome-10: {codes: generated}}\n",
        "products.csv": "sku,category,tutorial_url\nCAF-01,coffee,https://shop.example/1\n",
        "templates/tutorial/coffee/es.md": "Hola, café.\n",
        "agents/all.py": (ROOT / "agents/orders.py").read_text("utf-8").replace(
            'schema="order.*"', 'schema=[*(f"{n}.*" for n in "order line shipment ticket customer claim".split())]'),
    }  # fmt: skip
    for name in (name for name in names if name in {"satisfaction", "tutorial"} or name in about):
        kind = kinds.get(name, "notice")
        files[f"templates/{name}/message.yaml"] = f"class: soft_opt_in\nkind: {kind}\nsubject: Hola\n"
        files[f"templates/{name}/es.md"] = "Hola.\n" + ("\n::: stars\n" if kind == "survey" else "")
    return files


def written(folder: Path, parts: Mapping[str, str], code: str) -> Project:
    """The small project with these files."""
    for name, shown in {**shop(str(parts)), **parts}.items():
        text = HEAD + shown if shown.startswith("  - ") else shown
        for mark, meant in STANDS_FOR.items():
            text = text.replace(mark, meant)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode("latin-1") if "<U+00F1>" in text else text.encode()
        (folder / name).write_bytes(raw.replace(b"<U+00F1>", b"\xf1"))
    if code == "S107" and "shop:" not in parts["postventa.yaml"]:
        (folder / "journeys").mkdir()
        (folder / "postventa.yaml").unlink()
    return Project.load(folder, with_agents=True)


def codes_of(project: Project, folder: Path) -> set[str]:
    """The codes of everything wrong with a project, its scenarios played."""
    found = {problem.code for problem in project.problems}
    for path in (folder / "tests").glob("*.yaml"):
        sheet, problems = read_scenario(path.name, path.read_bytes(), project)
        ended = run(project, sheet) if sheet is not None else problems
        found |= {problem.code for problem in ended} if isinstance(ended, list) else set()
    return found


@pytest.mark.parametrize("code", [code for code in meanings() if code != "J246"])
def test_an_example_has_the_mistake_and_mended_it_has_not(code: str, tmp_path: Path) -> None:
    example = examples()[code]
    bad = written(tmp_path / "bad", example.bad, code)
    assert code in codes_of(bad, tmp_path / "bad"), bad.report()
    good = written(tmp_path / "good", example.good, code)
    assert code not in codes_of(good, tmp_path / "good")
    assert [str(error) for error in good.errors] == []


def test_nothing_is_explained_that_cannot_be_said() -> None:
    assert set(examples()) == set(meanings())


def test_every_code_in_the_code_is_explained() -> None:
    """Also those that no example of the corpus shows."""
    said = {
        code
        for path in (ROOT / "src/postventa").rglob("*.py")
        for code in re.findall(r"\"([ABCEJLPSTVWY]\d{3})\"", path.read_text("utf-8"))
    }
    assert said - set(meanings()) == set()


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["explain", "j104"]) == 0
    assert capsys.readouterr().out == (
        "J104  There is no such key here. A key that is not read would silently do nothing, so it is refused.\n\n"
        "wrong:\n\n  journeys/example.yaml\n      - send: thank-you\n        chanel: email\n\n"
        "mended:\n\n  journeys/example.yaml\n      - send: thank-you\n        channel: email\n"
    )
    assert main.run(["explain", "J999"]) == 2
    assert "no code is called 'J999'" in capsys.readouterr().err
    assert main.run(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(meanings())
