"""The few formulas behind the results of an experiment, with their sources. Standard library only.

- Wilson's interval of a share: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
  Journal of the American Statistical Association 22 (1927), pages 209-212.
- Chi-square's upper tail for whole degrees of freedom: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical
  Functions" (1964), 26.4.4 and 26.4.5.
- Two shares compared: the pooled z test, as in any textbook; J. L. Fleiss, "Statistical Methods for Rates and
  Proportions" (1981), chapter 2.
- Sample-ratio mismatch, and its threshold of p < 0.001: A. Fabijan and others, "Diagnosing Sample Ratio Mismatch in
  Online Controlled Experiments", KDD 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, erfc, exp, gamma, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share of `hits` among `of`; (0, 1) of nobody."""
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, z2 = hits / of, z * z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = z / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def two_shares(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """How likely a difference as large as this is, were both the same (two-sided p); 1 where nothing can be said."""
    if not of or not other_of:
        return 1.0
    pooled = (hits + other_hits) / (of + other_of)
    spread = sqrt(pooled * (1 - pooled) * (1 / of + 1 / other_of))
    if not spread:
        return 1.0
    z = abs(hits / of - other_hits / other_of) / spread
    return 1 - erf(z / sqrt(2))


def ratio_mismatch(counts: Sequence[int], expected: Sequence[float]) -> float:
    """How likely counts as far from the expected ones are by chance (chi-square p); 1 where nothing can be said."""
    pairs = [(count, want) for count, want in zip(counts, expected, strict=True) if want > 0]
    if len(pairs) < 2:
        return 1.0
    return chi_square_tail(sum((count - want) ** 2 / want for count, want in pairs), len(pairs) - 1)


def chi_square_tail(value: float, freedom: int) -> float:
    """The share of a chi-square distribution above `value`."""
    half = value / 2
    if freedom % 2 == 0:
        return exp(-half) * sum(half**place / gamma(place + 1) for place in range(freedom // 2))
    rest: float = sum(half ** (place - 0.5) / gamma(place + 0.5) for place in range(1, (freedom + 1) // 2))
    return erfc(sqrt(half)) + exp(-half) * rest
