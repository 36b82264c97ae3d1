"""What canaries prove of epsilon: privacy auditing with one training run.

Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run" (NeurIPS; arXiv 2305.08846), theorem 5.2
and appendix D. A coin put each of m canaries in or kept it out. An attack guesses of r of them which it was. Of any
(epsilon, delta)-DP training whose unit is the canary, v guesses or more are right with a chance of at most

    beta + 2 m delta alpha,   beta = P[Bin(r, q) >= v],   q = e^epsilon / (1 + e^epsilon),
    alpha = max over i = 1 .. v of P[v - i <= Bin(r, q) < v] / i,

so an epsilon for which that is below the level is refuted.

Which canaries are guessed may depend on the scores, not on the coins. How many are is fixed here by a few plans, made
before anything is scored, and the level is shared out among them (Bonferroni).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

_TWO_SIDED = (2, 4, 8, 16)
_TOP_ONLY = (4, 8, 16, 32)
_LARGEST_EPSILON = 64.0
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """How many canaries an attack guesses of: the highest scores were in, the lowest were not.

    Attributes:
        top: Guessed to have been in.
        bottom: Guessed to have been kept out.
    """

    top: int
    bottom: int

    @property
    def guesses(self) -> int:
        """In all."""
        return self.top + self.bottom


@dataclass(frozen=True, slots=True)
class Bound:
    """What was proved.

    Attributes:
        epsilon: At least so much, at the level asked for; 0 where nothing is.
        plan: That proved it.
        correct: Of its guesses.
    """

    epsilon: float
    plan: Plan
    correct: int


def plans(canaries: int) -> tuple[Plan, ...]:
    """The plans for so many canaries: all of them, halves of halves from both ends, and the few highest alone."""
    both = [Plan(canaries // part, canaries // part) for part in _TWO_SIDED]
    top = [Plan(canaries // part, 0) for part in _TOP_ONLY]
    return tuple(dict.fromkeys(plan for plan in [*both, *top] if plan.top))


def refutation_p(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """The largest chance of so many right guesses under (`epsilon`, `delta`)-DP, as above; at most 1."""
    q = 1 / (1 + exp(-epsilon))
    beta = float(_tail(np.array(correct), guesses, q))
    if delta == 0 or correct == 0:
        return beta
    steps = np.arange(1, correct + 1)
    alpha = float(np.max((_tail(correct - steps, guesses, q) - beta) / steps))
    return min(1.0, beta + 2 * canaries * delta * max(0.0, alpha))


def refuted_epsilon(canaries: int, guesses: int, correct: int, delta: float, level: float) -> float:
    """The largest epsilon that so many right guesses refute at `level`, rounded down; 0 where they refute none."""
    if guesses == 0 or refutation_p(canaries, guesses, correct, 0.0, delta) > level:
        return 0.0
    low, high = 0.0, _LARGEST_EPSILON
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        refuted = refutation_p(canaries, guesses, correct, middle, delta) <= level
        low, high = (middle, high) if refuted else (low, middle)
    return low


def epsilon_lower(
    scores: NDArray[np.float64],
    inserted: NDArray[np.bool_],
    delta: float,
    level: float,
    chosen: Iterable[Plan] | None = None,
) -> Bound:
    """The best bound of all plans, each at its share of `level`.

    Args:
        scores: Higher for what seems to have been in; (m,). Equal scores are taken in the order given, which must not
            depend on the coins.
        inserted: What the coins said; (m,).
        delta: Of the guarantee in question.
        level: Chance of a bound above the true epsilon, over all plans together.
        chosen: Plans, fixed without a look at `inserted`; those of `plans` by default.

    Raises:
        ValueError: There is no canary, or not one coin each.
    """
    m = len(scores)
    if m == 0 or len(inserted) != m:
        raise ValueError("needs one score and one coin for each canary")
    tried = tuple(chosen) if chosen is not None else plans(m)
    ranked = inserted[np.argsort(-scores, kind="stable")]
    bounds = []
    for plan in tried:
        correct = int(ranked[: plan.top].sum()) + int((~ranked[m - plan.bottom :]).sum())
        epsilon = refuted_epsilon(m, plan.guesses, correct, delta, level / len(tried))
        bounds.append(Bound(epsilon, plan, correct))
    return max(bounds, key=lambda bound: bound.epsilon)


def ceiling(canaries: int, delta: float, level: float) -> float:
    """The largest epsilon that so many canaries could refute, with every guess right."""
    tried = plans(canaries)
    return max(refuted_epsilon(canaries, p.guesses, p.guesses, delta, level / len(tried)) for p in tried)


def _tail(least: NDArray[np.int64], n: int, q: float) -> NDArray[np.float64]:
    """P[Bin(n, q) >= least] by the incomplete beta function (Abramowitz and Stegun 1964, 26.5.24)."""
    from scipy.special import betainc

    whole = np.maximum(least, 1)
    tail: NDArray[np.float64] = np.where(least > 0, betainc(whole, n - whole + 1, q), 1.0)
    return tail
