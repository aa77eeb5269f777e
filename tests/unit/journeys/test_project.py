"""A project as a whole: what stops what, what names a release, and templates beside the journeys that send them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from postventa.errors import ConfigError, JourneyError
from postventa.project import Project, belongs, release_hash

SETTINGS = b"shop: S\nlocale: es\ntimezone: Europe/Madrid\ncaps: [{emails: 2, per: 7 days}]\n"
JOURNEY = b"journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - send: hello\n"
MESSAGE = b"class: transactional\nsubject: {es: Hola}\n"


def files(**more: bytes) -> dict[str, bytes]:
    base = {
        "postventa.yaml": SETTINGS,
        "brand.yaml": b"name: S\npostal_address: Calle 1\n",
        "journeys/j.yaml": JOURNEY,
        "templates/hello/message.yaml": MESSAGE,
        "templates/hello/es.md": b"# Hola\n\n{{ order.total | money }}\n",
    }
    return {**base, **{name.replace("__", "/").replace("_yaml", ".yaml"): raw for name, raw in more.items()}}


def test_a_small_project_is_silent_and_makes_a_catalog() -> None:
    project = Project.from_files(files())
    assert project.report() == ""
    catalog = project.require_sound().catalog()
    journey = catalog.live["j"]
    assert catalog.versions == {("j", journey.version): journey}
    assert catalog.messages["hello"].klass == "transactional"
    assert catalog.shop.timezone == "Europe/Madrid"
    assert catalog.kinds["order.paid"].once
    assert catalog.release == project.hash


def test_older_versions_stay_in_the_catalog() -> None:
    old = Project.from_files(files()).journeys["j"]
    new = Project.from_files(files(journeys__j_yaml=JOURNEY + b"  - wait: 1 day\n"))
    catalog = new.catalog(older={("j", old.version): old})
    assert catalog.versions["j", old.version] is old
    assert catalog.live["j"] is not old


def test_one_bad_file_never_stops_the_others() -> None:
    bad = {
        "journeys/bad.yaml": b"journey: bad\nsteps: [",
        "surveys/s.yaml": b"survey: s\n",
        "loyalty.yaml": b"rewards: 5\n",
    }
    project = Project.from_files({**files(), **bad})
    assert {problem.file for problem in project.errors} == set(bad)
    assert list(project.journeys) == ["j"]
    with pytest.raises(JourneyError) as told:
        project.require_sound()
    assert len(told.value.problems) == len(project.problems)


def test_a_journey_that_asks_a_broken_survey_is_told_once() -> None:
    asks = JOURNEY.replace(b"send: hello", b"ask: s\n    timeout: 1 day\n    on_timeout: go_on")
    project = Project.from_files({**files(), "journeys/j.yaml": asks, "surveys/s.yaml": b"survey: s\nkind: csat\n"})
    assert {problem.file for problem in project.problems} == {"surveys/s.yaml"}
    assert project.journeys == {}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("journeys/j.yaml", b"# hello\ntitle: T\nowner: me\n" + JOURNEY),
        ("journeys/j.yaml", b"subject: order\njourney: j\nsteps: [{send: hello}]\nstart:\n  on: order.paid\n"),
        ("postventa.yaml", SETTINGS + b"listen: {public: '0.0.0.0:80'}\nretention: {events: 90 days}\n"),
        ("notes.txt", b"not part of a release"),
        ("journeys/.j.yaml.swp", b"an editor's own file"),
        ("agents/orders.py", b"print()"),
    ],
)
def test_what_does_not_change_a_release(name: str, raw: bytes) -> None:
    assert release_hash({**files(), name: raw}) == release_hash(files())


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("journeys/j.yaml", JOURNEY + b"  - wait: 1 day\n"),
        ("postventa.yaml", SETTINGS.replace(b"emails: 2", b"emails: 3")),
        ("templates/hello/es.md", b"# Adi\xc3\xb3s\n"),
        ("products.csv", b"sku\nA\n"),
        ("schemas/events/x.yaml", b"event: course.enrolled\nids: [course]\n"),
    ],
)
def test_what_changes_a_release(name: str, raw: bytes) -> None:
    assert release_hash({**files(), name: raw}) != release_hash(files())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ order.totl }}", "J302 an order has no 'totl'"),
        ("{{ basket.total }}", "J302 there is nothing called 'basket'"),
        ("{{ shipment.carrier }}", "J301 'shipment.carrier' is not in sight of journeys/j.yaml (line 5)"),
        ("{{ order.promised_at | date }}", "J303 'order.promised_at' may be missing"),
        ("{{ reward.code }}", "J301 'reward.code' is not given by journeys/j.yaml (line 5)"),
        ("{{ with.colour }}", "J301 'with.colour' is not given by journeys/j.yaml (line 5)"),
    ],
)
def test_a_template_that_reads_what_is_not_there(body: str, expected: str) -> None:
    found = Project.from_files({**files(), "templates/hello/es.md": f"# Hola\n\n{body}\n".encode()}).problems
    assert [f"{problem.code} {problem.message}" for problem in found] == [expected]
    assert (found[0].file, found[0].line) == ("templates/hello/es.md", 3)


@pytest.mark.parametrize(
    "body",
    [
        "{% if order.promised_at is defined %}{{ order.promised_at | date }}{% endif %}",
        "{{ shipment.carrier | default('') }}",
        "{% for line in order.lines %}{{ line.name | default(line.product.name) }}{% endfor %}",
        "{{ customer.first_name | default('') }} {{ brand.name }}",
    ],
)
def test_a_template_that_provides_for_gaps_is_silent(body: str) -> None:
    assert Project.from_files({**files(), "templates/hello/es.md": f"# Hola\n\n{body}\n".encode()}).report() == ""


def test_what_with_gives_is_there() -> None:
    gives = JOURNEY.replace(b"hello\n", b"hello\n    with: {colour: red}\n")
    body = b"# Hola\n\n{{ with.colour }}\n"
    assert Project.from_files({**files(), "journeys/j.yaml": gives, "templates/hello/es.md": body}).report() == ""


def test_load_reads_a_folder(tmp_path: Path) -> None:
    for name, raw in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/orders.py").write_text("")
    project = Project.load(tmp_path)
    assert project.hash == Project.from_files(files()).hash
    assert project.agents == ("agents/orders.py",)
    (tmp_path / "journeys/late.yml").write_bytes(JOURNEY)
    assert [(one.file, one.code) for one in Project.load(tmp_path).problems] == [("journeys/late.yml", "Y117")]
    shutil.rmtree(tmp_path / "journeys")
    assert Project.load(tmp_path).journeys == {}


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no project"):
        Project.load(tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        Project.load(tmp_path / "nowhere")


def test_hidden_files_belong_to_no_release() -> None:
    assert belongs("templates/tutorial/coffee/es.md")
    assert belongs("journeys/shop/after.yaml")
    assert not belongs(".git/journeys/a.yaml")
    assert not belongs("templates/hello/es.md~")
    assert not belongs("codes/welcome.txt")
