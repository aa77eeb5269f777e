"""The codec: any value of the core becomes JSON text and comes back the same; times sort as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postventa.core.effect import EmitEvent, SendMessage
from postventa.core.event import Claim, Command, Event, Move, Receipt, Tick
from postventa.core.state import (
    Consent,
    Counted,
    CustomerState,
    Ended,
    HoldUntil,
    Lot,
    OutboxRow,
    Run,
    Stand,
    Thing,
    Watch,
)
from postventa.store import changes, codec, inputs, rows

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
maybe = st.none() | moments
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
facts = st.dictionaries(text, plain, max_size=3)
refs = st.tuples(text, text)
ids = st.dictionaries(text, text | st.lists(text, max_size=2).map(tuple), max_size=2)
times = st.dictionaries(text, moments, max_size=2)


def some(key, value):
    return st.dictionaries(key, value, max_size=2)


def keyed(value, key):
    return st.lists(value, max_size=2).map(lambda found: {key(one): one for one in found})


events = st.builds(Event, text, text, text, moments, facts, ids, maybe)
kinds = st.sampled_from(["new", "timer", "held", "parked"])
bare_stands = st.builds(Stand, kinds, moments, maybe, maybe, st.none() | text, text, st.integers(0, 9), maybe)
stands = st.builds(
    Stand, kinds, moments, maybe, maybe, st.none() | text, text, st.integers(0, 9), maybe, st.none() | bare_stands
)
runs = st.builds(
    Run, text, text, text, refs, ids, events, moments, moments, st.integers(-1, 50), stands, facts, some(text, events),
    times, some(text, st.tuples(st.integers(1, 9), moments)), some(text, text), st.lists(events, max_size=2).map(tuple),
)  # fmt: skip
outbox_rows = st.builds(
    OutboxRow, text, st.lists(text, max_size=2).map(tuple), text, text, text, text,
    st.sampled_from(["pending", "claimed", "withdrawn"]), moments, text,
)  # fmt: skip
things = st.builds(Thing, facts, times, ids)
states = st.builds(
    CustomerState,
    text,
    maybe,
    facts,
    times,
    consents=some(refs, st.builds(Consent, st.booleans(), moments, text)),
    things=some(refs, things),
    events=keyed(events, lambda event: event.key),
    runs=keyed(runs, lambda run: run.run_id),
    ended=some(refs.flatmap(lambda ref: st.tuples(text, st.just(ref))), st.builds(Ended, moments, text)),
    watches=some(text, st.builds(Watch, text, text, refs, moments, moments)),
    holds=some(text, st.builds(HoldUntil, text, moments, moments)),
    assignments=some(text, text),
    counted=some(text, st.builds(Counted, moments, text)),
    lots=some(text, st.builds(Lot, text, st.integers(), moments, maybe, st.none() | text)),
    settling=times,
    outbox=keyed(outbox_rows, lambda row: row.effect_id),
    verdicts=some(refs, st.lists(text, max_size=2).map(tuple)),
    erased=st.booleans(),
)
any_input = (
    st.just(Tick())
    | st.builds(Claim, st.lists(text, max_size=3).map(tuple), some(text, text), some(text, text))
    | st.builds(Receipt, text, st.sampled_from(["sent", "refused", "gave_up", "uncertain", "cancelled"]), moments, text)
    | st.builds(Command, st.sampled_from(["end_run", "retry_run"]), text, text)
    | st.builds(
        Move, text, text, st.lists(text, max_size=2).map(tuple), st.sampled_from(["follow", "retime"]), some(text, text)
    )
    | events
)


def through_text(value):
    return json.loads(codec.dumps(value))


@settings(max_examples=40, deadline=None)
@given(states)
def test_a_state_survives_json(state):
    assert codec.state_from_plain(through_text(codec.state_to_plain(state))) == state


@settings(max_examples=40, deadline=None)
@given(states)
def test_a_state_survives_its_row(state):
    back, seq = rows.customer_from_row(rows.customer_row(state, 7))
    assert seq == 7
    back.runs, back.things, back.events = state.runs, state.things, state.events
    assert back == state


@settings(max_examples=60, deadline=None)
@given(runs)
def test_a_run_survives_json_and_its_row(run):
    assert codec.run_from_plain(through_text(codec.run_to_plain(run))) == run
    assert rows.run_from_row(rows.run_row("c", run, "rel")) == run


@settings(deadline=None)
@given(events, refs, things)
def test_an_event_and_a_thing_survive_their_rows(event, ref, thing):
    row = rows.event_row("c", event, None, remembered=True)
    assert rows.event_from_row(row) == event
    assert codec.event_from_plain(codec.loads(rows.start_text(row))) == event
    assert rows.thing_from_row(rows.thing_row("c", ref, thing)) == (ref, thing)


sends = st.builds(
    SendMessage, text, st.lists(text, max_size=2).map(tuple), text, text, refs, text, st.integers(1, 9), text,
    st.sampled_from(["transactional", "soft_opt_in", "marketing"]), st.integers(0, 200), text, text,
    st.sampled_from(["allow", "avoid"]), moments, st.none() | text, st.none() | text, st.none() | text, facts,
)  # fmt: skip


@settings(deadline=None)
@given(sends | st.builds(EmitEvent, text, events), moments)
def test_a_new_outbox_row_is_the_record_of_its_effect(effect, now):
    row = rows.new_outbox_row(effect, "c", codec.time_to_text(now))
    assert rows.outbox_from_row(row) == changes.outbox_record(effect, "c", now)


@settings(deadline=None)
@given(any_input)
def test_an_input_survives_the_history(entry):
    kind, payload = inputs.input_to_plain(entry)
    events = {entry.key: entry} if isinstance(entry, Event) else {}
    assert inputs.input_from_plain(kind, through_text(payload), events) == entry


@given(moments, moments)
def test_times_sort_as_text_and_have_one_width(one, other):
    first, second = codec.time_to_text(one), codec.time_to_text(other)
    assert (first < second) == (one < other)
    assert len(first) == len(second) == len("2026-11-22T14:10:17.000000Z")
    assert codec.time_from_text(first) == one


def test_times_of_other_zones_become_utc():
    madrid = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert codec.time_to_text(madrid) == "2026-07-01T10:00:00.000000Z"
    assert codec.time_from_text("2026-07-01T12:00:00+02:00") == madrid


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        codec.time_to_text(datetime(2026, 7, 1))  # noqa: DTZ001


@pytest.mark.parametrize("value", [{"n": float("nan")}, {"when": datetime.now(UTC)}, {"s": {1, 2}}])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        codec.dumps(value)


def test_text_that_a_person_edited_is_read_too():
    assert codec.loads(' {"a": [1, 2.5, null]} \n') == {"a": [1, 2.5, None]}
    assert codec.loads(codec.dumps({})) == {}
    with pytest.raises(ValueError, match="Extra data"):
        codec.loads('{"a": 1} x')


def test_a_history_row_that_is_no_input_says_so():
    with pytest.raises(ValueError, match="'snapshot' is no input"):
        inputs.input_from_plain("snapshot", {}, {})
    with pytest.raises(KeyError):
        inputs.input_from_plain("event", {"source": "shop", "id": "gone"}, {})
