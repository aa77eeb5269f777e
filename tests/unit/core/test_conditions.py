"""Every word of a condition, and that a missing value satisfies only `exists: false`."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

import pytest

from postventa.testing import Timeline, compiled

START = "2026-03-02T10:00:00Z"
LINES = [
    {"line_id": "1", "sku": "a", "category": "coffee", "quantity": 2},
    {"line_id": "2", "sku": "b", "category": "tea", "quantity": 1},
]
FACTS = {"total": "39.90", "promised_at": "2026-03-05T10:00:00Z", "lines": LINES,
         "customer": {"email": "a@x.example", "country": "ES", "tags": ["vip", "friend"], "first_name": "Ana"}}  # fmt: skip


def holds(condition: str) -> bool:
    text = f"journey: j\nsubject: order\nstart: {{on: order.paid}}\nsteps:\n  - branch:\n      - when: {condition}\n        then: [{{send: yes}}]\n      - otherwise: go_on\n"
    line = Timeline(compiled(text), START)
    line.event("order.paid", order="o-1", **FACTS)
    return line.names == ["yes"]


TRUE = [
    "{customer.country: ES}", "{customer.country: {is: ES}}", "{customer.country: {is_not: PT}}", "{customer.country: [ES, PT]}",
    "{customer.country: {in: [PT, ES]}}", "{order.total: {at_least: 39.9}}", "{order.total: {at_most: 39.90}}",
    "{order.total: {more_than: 39.89}}", "{order.total: {less_than: 39.91}}", "{order.total: {between: [39.9, 40]}}",
    "{order.total: 39.9}", "{customer.tags: {contains: vip}}", "{customer.first_name: {contains: n}}",
    "{customer.first_name: {exists: true}}", "{customer.birthday: {exists: false}}",
    "{order.promised_at: {after: '2026-03-05T09:59:59Z'}}", "{order.promised_at: {before: '2026-03-06'}}",
    "{order.paid_at: {within: 1 hour}}", "{order.lines: {any: {category: tea, quantity: 1}}}",
    "{order.lines: {none: {category: cocoa}}}", "{order.lines: {all: {quantity: {at_least: 1}}}}",
    "{all_of: [{customer.country: ES}, {order.total: {more_than: 1}}]}", "{any_of: [{customer.country: PT}, {order.total: 39.9}]}",
    "{not: {customer.country: PT}}", "{customer.country: ES, order.total: {more_than: 1, less_than: 40}}",
    "{order.promised_at: {after: {path: order.paid_at, plus: 2 days}}}", "{order.total: {less_than: {path: order.total, plus: 5}}}",
    "{order.total: {more_than: {path: order.total, minus: 5}}}", "{any_of: [{customer.birthday: {exists: true}}, {customer.country: ES}]}",
]  # fmt: skip
FALSE = [
    "{customer.country: PT}", "{order.total: {more_than: 39.9}}", "{order.total: {less_than: 39.9}}", "{order.total: {between: [40, 50]}}",
    "{order.promised_at: {within: 1 hour}}", "{order.promised_at: {after: '2026-03-05T10:00:00Z'}}", "{order.lines: {all: {category: tea}}}",
    "{order.lines: {none: {category: tea}}}", "{order.lines: {any: {category: tea, quantity: 2}}}", "{customer.tags: {contains: vi}}",
    "{not: {customer.country: ES}}", "{order.promised_at: {after: {path: order.paid_at, plus: 4 days}}}",
]  # fmt: skip
MISSING = [
    "{customer.birthday: '2000-01-01'}", "{customer.birthday: {is_not: '2000-01-01'}}", "{customer.birthday: {before: '2030-01-01'}}",
    "{not: {customer.birthday: '2000-01-01'}}", "{customer.birthday: {exists: true}}", "{customer.birthday: {within: 90 days}}",
    "{not: {any_of: [{customer.birthday: '2000-01-01'}, {customer.country: PT}]}}", "{customer.tier: {in: [gold]}}",
    "{order.paid_at: {before: {path: order.fulfilled_at, plus: 1 day}}}", "{order.lines: {none: {product.name: tea}}}",
    "{not: {customer.birthday: {exists: false}}}", "{customer.points: {between: [0, 10]}}",
]  # fmt: skip


@pytest.mark.parametrize("condition", TRUE)
def test_holds(condition: str) -> None:
    assert holds(condition)


@pytest.mark.parametrize("condition", [*FALSE, *MISSING])
def test_does_not_hold(condition: str) -> None:
    assert not holds(condition)
