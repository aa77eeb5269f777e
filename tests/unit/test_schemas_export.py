"""What is generated from the contract: it is up to date, holds together, and says what the parser does."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postventa.agents.loader import load_agents
from postventa.errors import RecordError
from postventa.schemas import export
from postventa.schemas.own import load_own
from postventa.schemas.parse import Incoming, parse_event
from postventa.schemas.registry import builtin
from postventa.source.yaml import load

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
REGISTRY = builtin()
PAGE = (ROOT / "docs/events.md").read_text("utf-8")


def test_what_is_generated_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_schemas", ROOT / "tools/generate_schemas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[Path, str] = module.generated()
    stale = [path.name for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    gone = [path.name for path in (ROOT / "schemas/json").glob("*.json") if path not in files]
    assert stale + gone == [], "run `python tools/generate_schemas.py`"


def test_the_asyncapi_file_is_yaml_whose_references_all_lead_somewhere() -> None:
    document = load("asyncapi.yaml", (ROOT / "schemas/asyncapi.yaml").read_bytes())
    assert not document.problems
    whole = document.plain()
    assert whole["asyncapi"] == "3.0.0"
    assert set(whole["channels"]) == {"orders", "shipments", "deliveries", "returns", "engagement"}

    def check(node: Any) -> int:
        if not isinstance(node, dict):
            return 0
        if "$ref" not in node:
            return sum(check(value) for value in node.values())
        if node["$ref"].startswith("#/"):
            target: Any = whole
            for part in node["$ref"][2:].split("/"):
                target = target[part]
        else:
            assert (ROOT / "schemas" / node["$ref"]).is_file(), node["$ref"]
        return 1

    assert check(whole) > len(REGISTRY.types)


def _valid(record: dict[str, Any]) -> bool:
    jsonschema = pytest.importorskip("jsonschema")
    from referencing import Registry, Resource

    customer = Resource.from_contents(export.customer_schema(REGISTRY))
    schema = export.event_schema(REGISTRY.types[record["type"]])
    shared = Registry().with_resource("customer.v1.json", customer)
    return bool(jsonschema.Draft7Validator(schema, registry=shared).is_valid(record))


@pytest.mark.parametrize(
    ("type_", "data", "accepted"),
    [
        ("order.placed", {"order_id": 1, "total": 39.90, "lines": [{"line_id": "1", "price": "5"}]}, True),
        ("order.placed", {"order_id": "1", "total": None, "anything": {"else": [1]}}, True),
        ("order.placed", {"order_id": "1", "customer": {"email": "a@b.example", "consent": {"marketing": True}}}, True),
        ("order.placed", {"total": "5"}, False),
        ("order.placed", {"order_id": "1", "total": "5 €"}, False),
        ("order.placed", {"order_id": "1", "promised_at": "2026-03-01T10:00:00"}, False),
        ("order.placed", {"order_id": "1", "lines": [{"sku": "a"}]}, False),
        ("order.placed", {"order_id": "1", "customer": {"points": 5}}, False),
        ("shipment.eta_changed", {"shipment_id": "1", "order_id": "1"}, False),
        ("return.requested", {"return_id": "1", "order_id": "1", "wants": "exchange"}, True),
        ("return.requested", {"return_id": "1", "order_id": "1", "wants": "cash"}, False),
        ("line.delivered", {"order_id": "1", "line_id": "2"}, True),
        ("survey.answered", {"order_id": "1", "survey": "nps", "score": 9}, True),
        ("survey.answered", {"order_id": "1", "score": 9}, False),
    ],
)
def test_schema_and_parser_agree(type_: str, data: dict[str, Any], accepted: bool) -> None:
    record = {"id": "1", "source": "s", "type": type_, "time": "2026-03-01T10:00:00Z", "data": data}
    assert _valid(record) is accepted
    try:
        parsed = isinstance(parse_event(json.dumps(record), REGISTRY, now=NOW), Incoming)
    except RecordError:
        parsed = False
    assert parsed is accepted


def test_every_schema_is_a_valid_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for path in (ROOT / "schemas/json").glob("*.v1.json"):
        jsonschema.Draft7Validator.check_schema(json.loads(path.read_text("utf-8")))


# --- the page --------------------------------------------------------------------------------------------------------
def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_first_event_of_the_page_is_one() -> None:
    (example,) = _blocks("json")
    assert parse_event(example, REGISTRY, now=NOW).event.type == "order.paid"
    assert _valid(json.loads(example))


def test_the_curl_examples_of_the_page_send_events() -> None:
    agents, _ = load_agents(ROOT / "agents", REGISTRY)
    read = []
    for block in _blocks("sh"):
        words = shlex.split(block)
        if "-d" not in words:
            continue
        headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
        body, url = words[words.index("-d") + 1].encode(), next(word for word in words if "/v1/events" in word)
        if "topic=" in url:
            incoming = agents[url.split("topic=")[1]].read(body, REGISTRY, now=NOW)
        else:
            incoming = parse_event(body, REGISTRY, headers=headers, now=NOW)
        read.append(incoming.event.type if incoming else None)
    assert read == ["shipment.delivered", "order.fulfilled"]


def test_the_own_event_of_the_page_loads() -> None:
    (example,) = _blocks("yaml")
    registry, problems = load_own({"course.yaml": example}, REGISTRY)
    assert not problems
    assert registry.path_kind("course", ["starts_at"]) == "time"


def test_the_refusal_of_the_page_is_what_is_said() -> None:
    with pytest.raises(RecordError) as caught:
        parse_event(
            {"id": "1", "source": "s", "type": "order.paid", "time": "2026-03-01T10:00:00Z", "data": {"orderId": "1"}},
            REGISTRY,
            now=NOW,
        )
    assert str(caught.value) in PAGE
