"""The formulas behind experiments, against published values and counting by hand."""

from __future__ import annotations

import random
from math import comb

import pytest

from postventa.engine.odds import chi_square_tail, ratio_mismatch, two_shares, wilson
from postventa.engine.results import VariantFigures, judged
from postventa.web.results import verdict_words
from postventa.web.tongue import tongue


def test_wilsons_interval_is_the_published_one() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (without continuity correction)."""
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson(29, 29)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilsons_interval_holds_the_true_share_in_about_95_of_100_cases() -> None:
    of, share = 60, 0.2
    held = sum(
        comb(of, hits) * share**hits * (1 - share) ** (of - hits)
        for hits in range(of + 1)
        if wilson(hits, of)[0] <= share <= wilson(hits, of)[1]
    )
    assert 0.93 < held < 0.97


@pytest.mark.parametrize(
    ("value", "freedom", "tail"),
    [(3.841, 1, 0.05), (10.828, 1, 0.001), (5.991, 2, 0.05), (7.815, 3, 0.05), (16.266, 3, 0.001),
     (18.307, 10, 0.05), (19.675, 11, 0.05)],
)  # fmt: skip
def test_chi_square_has_its_printed_critical_values(value: float, freedom: int, tail: float) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(tail, rel=2e-3)


def test_two_shares_are_compared_as_by_shuffling() -> None:
    """Against all ways in which the same successes could have fallen; the z test comes near."""
    chance = random.Random(1)
    people = [1] * 75 + [0] * 125
    far = 0
    for _ in range(4000):
        chance.shuffle(people)
        far += abs(sum(people[:100]) - sum(people[100:])) >= 15
    assert two_shares(45, 100, 30, 100) == pytest.approx(far / 4000, abs=0.02)
    assert two_shares(0, 10, 0, 20) == two_shares(3, 3, 5, 5) == two_shares(1, 2, 0, 0) == 1.0


def arms(*of: tuple[int, int], weights: tuple[int, ...] = ()) -> tuple[VariantFigures, ...]:
    weights = weights or (1,) * len(of)
    total = sum(people for people, _ in of)
    names = ("a", "b", "c")
    return tuple(
        VariantFigures(name, people, total * weight / sum(weights), reached, *wilson(reached, people), 0)  # type: ignore[arg-type]
        for name, (people, reached), weight in zip(names, of, weights, strict=False)
    )


def test_nothing_is_said_before_the_planned_size_however_clear_it_looks() -> None:
    clear = arms((499, 10), (500, 200))
    assert judged("e", "goal", 1000, clear).verdict == "too_early"
    assert judged("e", "goal", None, clear).verdict == "no_size"
    reached = judged("e", "goal", 999, clear)
    assert (reached.verdict, reached.winner) == ("winner", "b")
    for size in (1000, None):
        for language in ("en", "es"):
            said = verdict_words(judged("e", "goal", size, clear), tongue(language))
            assert " b " not in said
    assert judged("e", "goal", 10, arms((500, 100), (500, 101))).verdict == "no_difference"
    assert judged("e", "goal", 10, ()).verdict == "empty"


def test_an_uneven_split_is_told_and_names_no_winner() -> None:
    assert ratio_mismatch([5000, 5250], [5125, 5125]) > 0.001
    assert ratio_mismatch([5000, 5400], [5200, 5200]) < 0.001
    skewed = judged("e", "goal", 100, arms((5000, 100), (5400, 2000)))
    assert (skewed.verdict, skewed.winner) == ("mismatch", "")
    even = judged("e", "goal", 100, arms((4500, 100), (4500, 2000), (1000, 50), weights=(45, 45, 10)))
    assert even.verdict == "winner"
    assert ratio_mismatch([10, 0], [10.0, 0.0]) == 1.0


def test_three_variants_raise_the_bar() -> None:
    two = judged("e", "goal", 10, arms((200, 40), (200, 57)))
    three = judged("e", "goal", 10, arms((200, 40), (200, 57), (200, 41)))
    assert (two.verdict, three.verdict) == ("winner", "no_difference")
    assert three.chance == pytest.approx(2 * max(two_shares(57, 200, hits, 200) for hits in (40, 41)))


def test_a_split_by_the_weights_is_hardly_ever_called_uneven() -> None:
    chance = random.Random(7)
    wrong = 0
    for _ in range(2000):
        drawn = chance.choices((0, 1, 2), weights=(45, 45, 10), k=300)
        counts = [drawn.count(one) for one in (0, 1, 2)]
        wrong += ratio_mismatch(counts, [135.0, 135.0, 30.0]) < 0.001
    assert wrong <= 8
