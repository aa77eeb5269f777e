"""A record becomes an event in one normal form, or is refused with the place, what was found and how to mend it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postventa.core.journey import EventKind
from postventa.errors import RecordError
from postventa.schemas.parse import Incoming, parse_event, parse_many
from postventa.schemas.registry import builtin

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTRY = builtin()


def event(type_: str = "order.paid", data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    time = "2026-03-01T10:00:00+01:00"
    return {"id": "e-1", "source": "shop", "type": type_, "time": time, "data": data or {"order_id": "1001"}, **more}


def read(record: Any, headers: Any = None) -> Incoming:
    return parse_event(record, REGISTRY, headers=headers, now=NOW)


def refused(record: Any, headers: Any = None) -> RecordError:
    with pytest.raises(RecordError) as caught:
        read(record, headers)
    return caught.value


# --- what an event becomes -------------------------------------------------------------------------------------------
def test_an_order_of_a_real_shop_in_its_normal_form() -> None:
    # Shopify's shapes: numeric ids, money as a string or a number, an offset in the time.
    body = (
        '{"id": 820982911946154508, "source": "shop", "type": "order.placed", "time": "2026-03-01T10:00:00-05:00",'
        ' "data": {"order_id": 820982911946154508, "number": 1001, "total": 403.10, "currency": "usd",'
        ' "customer": {"customer_id": 115310627314723954, "email": "Jon@Example.COM", "country": "us"},'
        ' "lines": [{"line_id": 866550311766439020, "sku": "IPOD", "price": "199.00", "quantity": 1}],'
        ' "note_attributes": [{"ratio": 1.50}], "test": true}}'
    )
    incoming = read(body.encode())
    assert incoming.event.id == "820982911946154508"
    assert incoming.event.occurred_at == datetime(2026, 3, 1, 15, tzinfo=UTC)
    assert incoming.event.ids == {"order": "820982911946154508"}
    assert incoming.event.data == {
        "order_id": "820982911946154508",
        "number": "1001",
        "total": "403.10",
        "currency": "USD",
        "customer": {"customer_id": "115310627314723954", "email": "Jon@example.com", "country": "US"},
        "lines": [{"line_id": "866550311766439020", "sku": "IPOD", "price": "199.00", "quantity": 1}],
        "note_attributes": [{"ratio": 1.5}],
        "test": True,
    }
    assert incoming.identity.customer_id == "115310627314723954"
    assert incoming.identity.email == "jon@example.com"
    assert incoming.identity.order_id == "820982911946154508"
    json.dumps(incoming.event.data)  # plain JSON all the way down


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("39.90", "39.90"), ("39.9", "39.9"), ('"39.90"', "39.90"), ("40", "40"), ("0.1", "0.1"), ("1e2", "100"),
     ("-0.00", "0.00"), ("12345678901234.56", "12345678901234.56"), ("-5", "-5")],
)  # fmt: skip
def test_money_stays_exact(sent: str, kept: str) -> None:
    body = json.dumps(event(data={"order_id": "1", "total": "HERE"})).replace('"HERE"', sent)
    assert read(body).event.data["total"] == kept


@pytest.mark.parametrize("sent", ["NaN", "Infinity", "1e400", "1e99", '"1,299.00"', '"€ 5"', "true", '""', '"٣"'])
def test_what_is_no_amount_is_refused_at_its_place(sent: str) -> None:
    body = json.dumps(event(data={"order_id": "1", "total": "HERE"})).replace('"HERE"', sent)
    assert refused(body).field == "/data/total"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"), ("2026-03-01T10:00:00.5+01:00", "2026-03-01T09:00:00.500000Z"),
     ("2026-03-01 10:00:00-03:00", "2026-03-01T13:00:00Z"), ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z")],
)  # fmt: skip
def test_times_become_utc(sent: str, kept: str) -> None:
    assert read(event(data={"order_id": "1", "promised_at": sent})).event.data["promised_at"] == kept


@pytest.mark.parametrize(
    ("sent", "advice"),
    [("2026-03-01T10:00:00", "2026-03-01T10:00:00+01:00"), ("2026-03-01 10:00:00", "2026-03-01T10:00:00Z"),
     ("2026-02-30T10:00:00Z", "no such moment"), ("0001-01-01T00:00:00+10:00", "1900"),
     (1772359200, "2026-03-01T10:00:00Z"),
     (1772359200000, "2026-03-01T10:00:00Z"), ("yesterday", "2026-03-01T10:00:00+01:00"), (True, "2026-03-01"),
     (10**400, "write it as")],
)  # fmt: skip
def test_a_time_nobody_can_be_sure_of_is_refused_with_a_cure(sent: Any, advice: str) -> None:
    error = refused(event(time=sent))
    assert error.field == "/time"
    assert advice in (error.mend or "")


def test_the_missing_time_is_asked_for_rather_than_guessed() -> None:
    record = event()
    del record["time"]
    error = refused(record)
    assert (error.field, error.mend) == ("/time", "add when it happened, such as 2026-03-01T12:00:00Z")


# --- ids and whom it is about ----------------------------------------------------------------------------------------
def test_lines_are_named_with_their_order() -> None:
    shipped = read(event("shipment.delivered", {"shipment_id": "s1", "order_id": "7", "line_ids": [1, "7/2"]})).event
    assert shipped.ids == {"shipment": "s1", "order": "7", "line": ("7/1", "7/2")}
    one = read(event("line.delivered", {"order_id": "7", "line_id": "2"})).event
    assert one.ids == {"order": "7", "line": ("7/2",)}
    whole = read(event("return.requested", {"return_id": "r", "order_id": "7"})).event
    assert whole.ids == {"return": "r", "order": "7"}
    assert refused(event("line.delivered", {"order_id": "7", "line_id": "8/2"})).field == "/data/line_id"


def test_an_order_is_about_the_whole_order_unless_it_names_lines() -> None:
    lines = [{"line_id": "1"}, {"line_id": "2"}]
    assert read(event("order.placed", {"order_id": "7", "lines": lines})).event.ids == {"order": "7"}
    named = read(event("order.cancelled", {"order_id": "7", "line_ids": ["2"]})).event
    assert named.ids == {"order": "7", "line": ("7/2",)}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"marketing": True}, [{"purpose": "marketing", "given": True}]),
        ({"email": {"marketing": False}}, [{"channel": "email", "purpose": "marketing", "given": False}]),
        ([{"given": True, "at": "2026-03-01T10:00:00+01:00"}], [{"given": True, "at": "2026-03-01T09:00:00Z"}]),
    ],
)
def test_consent_in_its_three_forms(sent: Any, kept: Any) -> None:
    data = {"order_id": "1", "customer": {"consent": sent}}
    assert read(event(data=data)).event.data["customer"]["consent"] == kept


def test_a_consent_that_is_neither_yes_nor_no_is_refused() -> None:
    data = {"order_id": "1", "customer": {"consent": {"marketing": "yes"}}}
    assert refused(event(data=data)).field == "/data/customer/consent/marketing"


def test_two_lines_of_one_id_are_refused() -> None:
    error = refused(event("order.placed", {"order_id": "7", "lines": [{"line_id": 1}, {"line_id": "1"}]}))
    assert error.field == "/data/lines/1/line_id"


def test_a_merge_names_who_stays_and_who_ends() -> None:
    identity = read(event("customer.merged", {"from": "guest-1", "into": "c-1"})).identity
    assert (identity.customer_id, identity.aliases) == ("c-1", ("guest-1",))


def test_somebody_must_be_meant_except_for_an_audience() -> None:
    error = refused(event("ticket.opened", {"ticket_id": "t"}))
    assert "order_id" in error.expected
    assert error.field == "/data"
    assert read(event("product.updated", {"sku": "A1", "version": "2.0"})).event.ids == {"product": "A1"}


# --- refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("record", "field", "words"),
    [
        (event("order.payd"), "/type", "did you mean order.paid?"),
        (event("order.payd"), "/type", "order. goes with placed, paid"),
        (event("basket.left"), "/type", "schemas/events/"),
        (event(data={"orderId": "1"}), "/data/order_id", "'orderId' looks like it"),
        (event(data={"order_id": "1", "customer": {"email": "ana@@x"}}), "/data/customer/email", "ana@example.com"),
        (event(data={"order_id": "1", "customer": {"email": "a@b.c\r\nBcc: x@y.z"}}), "/data/customer/email", ""),
        (event(data={"order_id": "1", "customer": {"points": 5}}), "/data/customer/points", "leave it out"),
        (event(data={"order_id": "1", "lines": [{"line_id": "1", "price": "x"}]}), "/data/lines/0/price", "decimals"),
        (event(data={"order_id": "1", "lines": {"line_id": "1"}}), "/data/lines", "square brackets"),
        (event(data={"order_id": "1", "a/b": {"c~d": "\x00"}}), "/data/a~1b/c~0d", "remove it"),
        (event(data={"order_id": "1", "note": "\ud800"}), "/data/note", "remove it"),
        (event(data={"order_id": ""}), "/data/order_id", ""),
        (event(data={"order_id": "x" * 201}), "/data/order_id", ""),
        (event("survey.answered", {"order_id": "1", "survey": "nps", "score": "9"}), "/data/score", "without quotes"),
        (event("return.requested", {"return_id": "1", "order_id": "1", "wants": "cash"}), "/data/wants", ""),
        (event(specversion="0.3"), "/specversion", "1.0"),
        (event(id=""), "/id", ""),
        (event(source=None), "/source", ""),
        ({**event(), "data": [1]}, "/data", "order_id"),
        ({**event(), "data": None}, "/data/order_id", "add order_id"),
        ([], "", '{"id"'),
    ],
)  # fmt: skip
def test_each_refusal_names_the_place_and_a_cure(record: Any, field: str, words: str) -> None:
    error = refused(record if isinstance(record, dict) else json.dumps(record))
    assert error.field == field
    assert words in (error.mend or "")
    if isinstance(record, dict):  # the same through JSON text
        assert refused(json.dumps(record)).field == field


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b'{"id": 1,}', "line 1, column"),
        (b'{"id": "\xff"}', "UTF-8"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "levels"),
        (b"[" * 40 + b"]" * 40, "levels"),
        (b'{"id": ' + b"9" * 5000 + b"}", "sensible size"),
        (b'{"id": "' + b"x" * 300_000 + b'"}', "at most 256 kB"),
    ],
)
def test_what_is_no_json_is_refused_in_words(body: bytes, words: str) -> None:
    assert words in str(refused(body))


def test_a_large_mapping_from_an_agent_is_refused_too() -> None:
    assert "256 kB" in str(refused(event(data={"order_id": "1", "note": "x" * 300_000})))
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    assert "levels" in str(refused(event(data={"order_id": "1", "note": deep})))


# --- CloudEvents, after the examples of its specification ------------------------------------------------------------
def test_structured_mode_with_extensions() -> None:
    sample = {
        "specversion": "1.0",
        "type": "order.paid",
        "source": "https://github.com/cloudevents/spec/pull",
        "subject": "123",
        "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z",
        "comexampleextension1": "value",
        "comexampleothervalue": 5,
        "partitionkey": "c-1",
        "recordedtime": "2018-04-05T18:00:00Z",
        "causationid": "e-0",
        "datacontenttype": "application/json",
        "data": {"order_id": "123"},
    }
    incoming = read(json.dumps(sample).encode(), {"content-type": "application/cloudevents+json; charset=UTF-8"})
    assert incoming.event.key == ("https://github.com/cloudevents/spec/pull", "A234-1234-1234")
    assert incoming.event.recorded_at == datetime(2018, 4, 5, 18, tzinfo=UTC)
    assert incoming.extensions == {"subject": "123", "partitionkey": "c-1", "causationid": "e-0"}


def test_data_in_base64() -> None:
    record = event(data_base64=base64.b64encode(b'{"order_id": "9"}').decode())
    del record["data"]
    assert read(record).event.ids == {"order": "9"}
    assert refused({**record, "data_base64": "%%%"}).field == "/data_base64"


@pytest.mark.parametrize(
    "headers",
    [
        [("ce_specversion", b"1.0"), ("ce_type", b"order.paid"), ("ce_source", b"/mycontext"), ("ce_id", b"1234-1234"),
         ("ce_time", b"2018-04-05T03:56:24Z"), ("content-type", b"application/json")],
        {"CE-SpecVersion": "1.0", "CE-Type": "order.paid", "CE-Source": "%2Fmycontext", "CE-ID": "1234-1234",
         "CE-Time": "2018-04-05T03:56:24Z", "Content-Type": "application/json"},
    ],
    ids=["kafka", "http"],
)  # fmt: skip
def test_binary_mode(headers: Any) -> None:
    got = read(b'{"order_id": "9"}', headers).event
    assert (got.id, got.source, got.type, got.ids) == ("1234-1234", "/mycontext", "order.paid", {"order": "9"})
    (again,) = parse_many(b'{"order_id": "9"}', registry=REGISTRY, headers=headers, now=NOW)
    assert isinstance(again, Incoming)
    assert again.event == got


# --- many at once ----------------------------------------------------------------------------------------------------
def many(body: bytes, content_type: str = "") -> list[str]:
    found = parse_many(body, content_type, registry=REGISTRY, now=NOW)
    return [one.event.id if isinstance(one, Incoming) else f"! {one.field}" for one in found]


def test_one_bad_event_never_stops_the_others() -> None:
    good, bad = [json.dumps(event(id=name)) for name in "abc"], json.dumps(event("nope"))
    batch = f"[{good[0]}, {bad},\n {good[1]}, 7, {good[2]} ]".encode()
    assert many(batch, "application/cloudevents-batch+json") == ["a", "! /type", "b", "! ", "c"]
    lines = "\r\n".join([good[0], '{"id":', good[1], "", bad, good[2], ""]).encode()
    assert many(lines, "application/x-ndjson") == ["a", "! ", "b", "! /type", "c"]
    assert many("\n".join([bad + "}", good[0]]).encode(), "application/json") == ["! ", "a"]
    assert many(json.dumps(event(id="p"), indent=2).encode()) == ["p"]
    assert many(b"\xef\xbb\xbf" + good[0].encode()) == ["a"]


def test_a_broken_list_gives_what_came_before_the_break() -> None:
    good = json.dumps(event(id="a"))
    assert many(f"[{good}, {{]".encode()) == ["a", "! "]
    assert many(f"[{good}".encode()) == ["a", "! "]
    assert many(f"[{good}] {good}".encode()) == ["a", "! "]
    assert many(b"[]") == []
    assert many(b"  ") == ["! "]
    assert many(b"\xff") == ["! "]


# --- anything at all -------------------------------------------------------------------------------------------------
def anything() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1", "a@b.example"])
    names = st.sampled_from(sorted(REGISTRY.types["exchange.created"].fields)) | st.text(max_size=5)
    return st.recursive(
        leaves, lambda x: st.lists(x, max_size=4) | st.dictionaries(names, x, max_size=6), max_leaves=12
    )


FIELDS = st.sampled_from(
    ["order_id", "line_ids", "line_id", "lines", "customer", "customer_id", "email", "aliases", "total", "eta", "score",
     "return_id", "exchange_id", "consent", "from", "into", "reason", "sku"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(REGISTRY.types)), st.dictionaries(FIELDS, anything(), max_size=8), anything())
def test_any_json_is_an_event_or_a_record_error(type_: str, data: dict[str, Any], extra: Any) -> None:
    for record in (event(type_, data), {**event(type_), "data": extra}, {"id": extra, "time": extra}, {"type": type_}):
        for sent in (record, json.dumps(record), json.dumps(record, ensure_ascii=False)):
            try:
                incoming = read(sent)
            except RecordError:
                continue
            json.dumps(incoming.event.data, allow_nan=False).encode()
            assert incoming.event.occurred_at.tzinfo is UTC


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0da1 \n', max_size=60).map(lambda s: s.encode()))
def test_any_bytes_are_events_or_record_errors(body: bytes) -> None:
    assert all(isinstance(one, Incoming | RecordError) for one in parse_many(body, registry=REGISTRY, now=NOW))


# --- the registry ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "kind"),
    [("order.total", "number"), ("order.promised_at", "time"), ("order.paid_at", "time"), ("order.lines", "list"),
     ("order.lines.[].category", "text"), ("order.lines.category", None), ("customer.orders.count", "number"),
     ("line.product.tutorial_url", "text"), ("line.product.colour", "any"), ("shipment.eta", "time"),
     ("order.totl", None), ("nothing.x", None), ("run.anything", "any"), ("answer.score", "number"),
     ("customer.birthday", "time"), ("refund.full", "bool")],
)  # fmt: skip
def test_what_a_path_compares_as(path: str, kind: str | None) -> None:
    root, *parts = path.split(".")
    assert REGISTRY.path_kind(root, parts) == kind


def test_what_can_be_missing_and_what_an_event_shows() -> None:
    assert not REGISTRY.can_be_missing("order", ["total"])
    assert REGISTRY.can_be_missing("order", ["promised_at"])
    assert REGISTRY.event_kind(["order.paid"], ["customer", "country"]) == "text"
    assert REGISTRY.event_kind(["order.paid", "ticket.opened"], ["total"]) == "number"
    assert REGISTRY.event_kind(["order.paid"], ["eta"]) is None
    assert "total" in REGISTRY.known_fields("order")
    assert "count" in REGISTRY.known_fields("customer", ["orders"])
    assert REGISTRY.kinds()["order.paid"] == EventKind("order.paid", "order", once=True)
    assert REGISTRY.kinds()["survey.answered"].thing == "answer"
    assert {"order", "line", "shipment", "return", "ticket", "customer"} <= set(REGISTRY.subjects())
