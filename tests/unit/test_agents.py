"""Agents: the reference project's own, and what happens when one is broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postventa.agents.loader import load_agents, load_sources
from postventa.errors import RecordError
from postventa.schemas.parse import Incoming
from postventa.schemas.registry import builtin

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REGISTRY = builtin()
ROOT = Path(__file__).parents[2] / "agents"
AT = "2026-03-01T10:00:00+01:00"


def read(topic: str, record: Any, headers: Any = None) -> Incoming | None:
    agents, problems = load_agents(ROOT, REGISTRY)
    assert not problems
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    return agents[topic].read(body, REGISTRY, headers=headers, now=NOW)


@pytest.mark.parametrize(
    ("topic", "record", "type_", "ids"),
    [
        ("orders", {"change": "paid", "changed_at": AT, "order_id": 7, "order": {"total": 39.9, "customer":
            {"email": "a@b.example"}}}, "order.paid", {"order": "7"}),
        ("shipments", {"parcel": "s", "order_id": 7, "state": "left", "at": AT, "lines": [1], "link": "https://x.example"},
            "shipment.in_transit", {"shipment": "s", "order": "7", "line": ("7/1",)}),
        ("shipments", {"parcel": "s", "order_id": 7, "state": "new_date", "at": AT, "expected": AT},
            "shipment.eta_changed", {"shipment": "s", "order": "7"}),
        ("deliveries", {"scan_id": "x", "tag": "Delivered", "checkpoint_time": AT, "parcel": "s", "order_id": 7},
            "shipment.delivered", {"shipment": "s", "order": "7"}),
        ("returns", {"rma": "r", "order_id": 7, "step": "asked", "at": AT, "lines": [2], "wants": "refund"},
            "return.requested", {"return": "r", "order": "7", "line": ("7/2",)}),
        ("engagement", {"ticket": 5, "status": "new", "at": AT, "from": "a@b.example", "topic": "size"},
            "ticket.opened", {"ticket": "5"}),
    ],
)  # fmt: skip
def test_each_root_agent_maps_its_platform(topic: str, record: dict[str, Any], type_: str, ids: dict[str, Any]) -> None:
    incoming = read(topic, record)
    assert incoming is not None
    assert (incoming.event.type, incoming.event.ids) == (type_, ids)
    again = read(topic, record)
    assert again is not None
    assert again.event.key == incoming.event.key  # a redelivered record is the same event


def test_our_own_form_passes_and_money_stays_exact() -> None:
    own = f'{{"id":"1","source":"s","type":"order.paid","time":"{AT}","data":{{"order_id":"1","total":39.90}}}}'
    incoming = read("orders", own.encode())
    assert incoming is not None
    assert incoming.event.data["total"] == "39.90"


def test_a_cloud_event_in_headers_reaches_the_agent_whole() -> None:
    headers = [("ce_id", b"1"), ("ce_source", b"s"), ("ce_type", b"order.paid"), ("ce_time", AT.encode()),
               ("ce_specversion", b"1.0")]  # fmt: skip
    incoming = read("orders", {"order_id": "9"}, headers)
    assert incoming is not None
    assert incoming.event.ids == {"order": "9"}


def test_a_record_the_agent_leaves_out_is_none() -> None:
    assert read("deliveries", {"tag": "Pending", "scan_id": "x"}) is None


@pytest.mark.parametrize(
    ("record", "field", "words"),
    [
        (b"[]", "", "one record per event"),
        (b"{", "", "line 1"),
        ({"order_id": 1}, "/change", "(agents/orders.py:"),
        ({"change": "paid", "changed_at": "noon", "order_id": 1}, "/time", "2026"),
        ({"type": "ticket.opened", "id": "1", "source": "s", "time": AT, "data": {"ticket_id": 1, "order_id": 1}},
            "/type", "order.*"),
        ({"change": "paid", "changed_at": AT, "order_id": 1, "order": 5}, "", "TypeError"),
    ],
)  # fmt: skip
def test_a_bad_record_is_refused_with_its_place(record: Any, field: str, words: str) -> None:
    with pytest.raises(RecordError) as caught:
        read("orders", record)
    assert caught.value.field == field
    assert words in str(caught.value)


GOOD = (
    b"from postventa.agents import agent\n@agent(topic='t', schema='order.*')\ndef good(record):\n    return record\n"
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"def broken(:\n", "a.py:1:12 error A101 this is not Python"),
        (b"\nimport nothing_of_that_name\n", "a.py:2:1 error A102 it stops with ModuleNotFoundError"),
        (
            GOOD.replace(b"def", b"async def"),
            "a.py:2:1 error A102 it stops with TypeError: an agent is a plain function",
        ),
        (GOOD.replace(b"order.*", b"orders.*"), "a.py:2:1 error A105 no event type is called 'orders.*'"),
        (b"x = 1\n", "a.py warning A103 no agent is declared here"),
        (b"\xff\n", "a.py"),
    ],
)
def test_a_broken_file_is_told_and_the_others_go_on(source: bytes, expected: str) -> None:
    agents, problems = load_sources({"a.py": source, "b.py": GOOD}, REGISTRY)
    assert list(agents) == ["t"]
    (problem,) = problems
    assert problem.headline().startswith(expected)


def test_two_agents_of_one_topic_are_told() -> None:
    agents, problems = load_sources({"a.py": GOOD, "b.py": GOOD}, REGISTRY)
    assert agents["t"].file == "a.py"
    assert [problem.code for problem in problems] == ["A104"]


def test_other_formats_are_decoded_by_the_agent(tmp_path: Path) -> None:
    source = GOOD.replace(
        b"schema=", b"decode=lambda raw: dict(p.split('=') for p in raw.decode().split('&')), schema="
    )
    source = source.replace(b"return record", b"return {**record, 'data': {'order_id': record['order']}}")
    (tmp_path / "form.py").write_bytes(source)
    agents, _ = load_agents(tmp_path, REGISTRY)
    incoming = agents["t"].read(f"id=1&source=s&type=order.paid&time={AT}&order=7".encode(), REGISTRY, now=NOW)
    assert incoming is not None
    assert incoming.event.ids == {"order": "7"}
    assert [path.name for path in tmp_path.iterdir()] == ["form.py"]  # nothing is left beside a project's files
    with pytest.raises(RecordError):
        agents["t"].read(b"\xff", REGISTRY, now=NOW)
