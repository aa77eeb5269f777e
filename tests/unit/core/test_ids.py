"""Formats that are kept for ever: a changed value here would send mails again to everybody."""

from __future__ import annotations

from postventa.core import ids


def test_golden_values() -> None:
    run = ids.run_id("after-purchase", "order", "o-1")
    assert run == "a08705b396d4befd798ba7cbe855e691"
    assert ids.run_id("after-purchase", "customer", "", ("shop", "e-1")) == "8205f0118393cab604e4eda6dc985968"
    assert ids.effect_id(run, "send:thank-you", (), "send") == "266542e867036b39f46629d675d1c81a"
    assert ids.effect_id(run, "send:thank-you", (2, 1), "send") == "a085cdca1961437c031d00196fff77da"
    assert ids.digest("a", "bc") != ids.digest("ab", "c")
    assert ids.bucket("second-order", "c-1") == 0.7505746834879616
    assert 0 <= ids.spread(run, "wait") < 1
