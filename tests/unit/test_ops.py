"""Dashboard and alerts ask for numbers that exist, and every alert has its entry in the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from postventa.engine.meters import Meters
from postventa.store import shown
from postventa.store.base import Pause
from postventa.web.metrics import exposition
from postventa.web.watching import Look

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OF_PROMETHEUS = {"up", "job", "instance", "le"}
WORDS = {
    "by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset",
    "sum", "min", "max", "avg", "count", "rate", "increase", "histogram_quantile", "delta", "time", "absent",
}  # fmt: skip
_STRING, _SPAN = re.compile(r'"[^"]*"'), re.compile(r"\[\w+\]")


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Every metric that a full engine tells, by the name of its samples, with its labels."""
    meters = Meters()
    with meters.batch() as batch:
        batch.event("orders", "accepted")
    meters.send("email", "sent")
    gauges = shown.gauges(
        due_soon=1, overdue=1, oldest_due=NOW, outbox={}, oldest_pending=NOW, waiting=1, dead_letters=1, parked=1
    )
    look = Look(
        NOW, gauges, {("orders", 0): 5}, (Pause("all", "why", NOW),), "release", NOW, True, oldest={("orders", 0): NOW}
    )
    text = exposition(meters, look).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found.setdefault(one.name, set()).update(one.labels)
    return found


def alerts() -> list[dict[str, Any]]:
    rules = YAML(typ="safe").load((ROOT / "ops" / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads((ROOT / "ops" / "grafana" / "postventa.json").read_text(encoding="utf-8"))["panels"])


def queries() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    yield from ((one["title"], target["expr"]) for one in panels() for target in one["targets"])


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_a_query_names_what_exists(where: str, query: str, known: dict[str, set[str]]) -> None:
    names = set(re.findall(r"[a-zA-Z_]\w*", _SPAN.sub("", _STRING.sub("", query)))) - WORDS
    metrics = {name for name in names if name.startswith("postventa_") or name == "up"}
    assert metrics, f"{where}: {query}"
    assert metrics <= known.keys() | {"up"}, f"{where} asks for {sorted(metrics - known.keys())}"
    labels = set().union(*(known.get(name, set()) for name in metrics)) | OF_PROMETHEUS
    assert names - metrics <= labels, f"{where} asks for labels {sorted(names - metrics - labels)}"


def test_a_broken_query_would_be_found(known: dict[str, set[str]]) -> None:
    with pytest.raises(AssertionError):
        test_a_query_names_what_exists("x", "max(postventa_parked_run) > 0", known)
    with pytest.raises(AssertionError):
        test_a_query_names_what_exists("x", "sum by (outcom) (postventa_events_total)", known)


def test_every_metric_is_on_the_dashboard_or_in_an_alert(known: dict[str, set[str]]) -> None:
    asked = " ".join(query for _, query in queries())
    families = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in known}
    assert [name for name in sorted(families) if name not in asked] == []


def test_panels_stand_beside_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for one in panels():
        place = one["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{one['title']} lies on {taken[x, y]}"
                assert x < 24
                taken[x, y] = one["title"]
    ids = [one["id"] for one in panels()]
    assert len(set(ids)) == len(ids)


def test_every_alert_leads_to_its_entry() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    entries = {name.lower(): name for name in re.findall(r"^## (Postventa\w+)$", runbook, re.MULTILINE)}
    names = []
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        names.append(rule["alert"])
    assert sorted(names) == sorted(entries.values())
    for text in re.split(r"^## ", runbook, flags=re.MULTILINE)[1:]:
        if text.startswith("Postventa"):
            for part in ("**Means:**", "**Helps:**", "```sh"):
                assert part in text, f"{text.splitlines()[0]} has no {part}"
