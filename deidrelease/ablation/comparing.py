"""Compares two taggers, or two cells, on the same hold-out patients: a difference, its interval, and a test.

The difference is that of micro-averaged strict F1 over all hold-out patients of all folds, with the percentile
bootstrap over patients within each fold (`deidrelease.scoring.bootstrap`). The test is Wilcoxon's signed-rank test
(Wilcoxon 1945, Biometrics Bulletin 1: 80-83) on the patients' differences in F1. Each says something that the other
does not: patients with many mentions weigh more in the first, all weigh alike in the second. A comparison is *told
apart* only where both agree, after Holm's correction over all comparisons that were made, and where every fold agrees:
each fold has trainings of its own, so a difference that luck in training made will seldom have one sign in all of them.

What neither covers: models of two folds share most of their training patients, so patients of different folds are not
quite independent, and no estimate of that dependence is unbiased (Bengio & Grandvalet 2004, JMLR 5: 1089-1105). With
one seed, the randomness of training is not covered at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deidrelease.ablation.hits import TAGGERS
from deidrelease.ablation.outcomes import Outcomes
from deidrelease.results import Estimate
from deidrelease.scoring.bootstrap import Resampling, Strata, estimate_differences, estimate_ratios
from deidrelease.scoring.families import holm
from deidrelease.scoring.measures import RatioParts

LEVEL = 0.05
RESAMPLING = Resampling(seed=0, n_resamples=2000)
# With ties the exact distribution is found by going through all signs: 2 ** 13 of them at the most.
_MOST_ENUMERATED = 13
_MOST_EXACT = 50
_ROUNDING = 12
_COLUMNS_AT_ONCE = 64

Tagger = Literal["gold", "synthetic"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """What is scored: one tagger of one cell, or of several, whose counts are added.

    Attributes:
        cells: Ids.
        tagger: Which of the two.
    """

    cells: tuple[str, ...]
    tagger: Tagger


@dataclass(frozen=True, slots=True)
class Question:
    """Two sides to compare: is `left` better than `right`?

    Attributes:
        about: What differs: `tagger`, or the varied setting.
        left: That of the higher level, or the synthetic tagger.
        right: That of the lower level, or the gold tagger.
    """

    about: str
    left: Side
    right: Side


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the hold-out says of a question.

    Attributes:
        question: It.
        difference: Strict F1 of the left minus that of the right; its interval is for this comparison alone.
        p: Of Wilcoxon's test, two-sided; 1 where no patient differs.
        holm: `p` adjusted over all comparisons that were made with it.
        patients: How many differ, which is what the test stands on.
        folds: In how many folds the difference has the sign of the whole.
        of: How many folds there are.
        told_apart: Whether the adjusted p is at most `LEVEL`, the interval is clear of zero, and test, interval and
            every fold point to the same side.
    """

    question: Question
    difference: Estimate
    p: float
    holm: float
    patients: int
    folds: int
    of: int
    told_apart: bool


@dataclass(frozen=True, slots=True)
class SignedRanks:
    """Wilcoxon's test of paired differences.

    Attributes:
        p: Two-sided.
        leaning: Above zero where the ranks of the positive differences weigh more, below where those of the negative.
        n: Differences that are not zero; the others say nothing of a direction and are left out (Wilcoxon 1945).
    """

    p: float
    leaning: float
    n: int


def compare_all(outcomes: Outcomes, questions: Sequence[Question], how: Resampling = RESAMPLING) -> list[Comparison]:
    """Answers all questions with the same resamples, and corrects over all of them (Holm 1979).

    A question that has no answer, because no patient has a mention or a prediction, is left out.
    """
    found: list[tuple[Question, Estimate, SignedRanks]] = []
    for start in range(0, len(questions), _COLUMNS_AT_ONCE):
        some = questions[start : start + _COLUMNS_AT_ONCE]
        left, right = ([_tally(outcomes, getattr(q, side)) for q in some] for side in ("left", "right"))
        estimates = estimate_differences(_parts(left), _parts(right), how, strata_of(outcomes))
        for question, a, b, estimate in zip(some, left, right, estimates, strict=True):
            if estimate is not None:
                found.append((question, estimate, signed_ranks(patient_f1(a) - patient_f1(b))))
    adjusted = holm({str(number): ranks.p for number, (_, _, ranks) in enumerate(found)})
    return [_comparison(outcomes, *each, adjusted[str(number)]) for number, each in enumerate(found)]


def f1_of(outcomes: Outcomes, sides: Sequence[Side], how: Resampling = RESAMPLING) -> list[Estimate | None]:
    """Strict F1 of each side over the hold-out patients of all folds; None where there is nothing to find or found."""
    if not sides:
        return []
    return estimate_ratios(_parts([_tally(outcomes, side) for side in sides]), how, strata_of(outcomes))


def differences_to(
    outcomes: Outcomes, sides: Sequence[Side], best: Side, how: Resampling = RESAMPLING
) -> list[Estimate | None]:
    """Strict F1 of each side minus that of `best`, paired."""
    if not sides:
        return []
    other = _tally(outcomes, best)
    left, right = _parts([_tally(outcomes, side) for side in sides]), _parts([other] * len(sides))
    return estimate_differences(left, right, how, strata_of(outcomes))


def strata_of(outcomes: Outcomes) -> Strata | None:
    """The folds, within which patients are redrawn; None where one has a single patient, who could not vary in it."""
    _, sizes = np.unique(outcomes.folds, return_counts=True)
    return outcomes.folds if sizes.size > 1 and sizes.min() > 1 else None


def signed_ranks(differences: Floats) -> SignedRanks:
    """Wilcoxon's signed-rank test of `differences`, shape (n,), by scipy.

    Exact without ties up to 50 differences, and with ties up to 13; beyond, the normal approximation with the
    correction for ties and for continuity (Hollander & Wolfe 1999, Nonparametric Statistical Methods, section 3.1).
    """
    from scipy.stats import PermutationMethod, rankdata, wilcoxon

    apart = np.round(differences, _ROUNDING)
    apart = apart[apart != 0]
    if not apart.size:
        return SignedRanks(1.0, 0.0, 0)
    ranks = rankdata(np.abs(apart))
    tied = np.unique(ranks).size < ranks.size
    if tied and apart.size <= _MOST_ENUMERATED:
        method = PermutationMethod(n_resamples=np.inf)
    else:
        method = "exact" if not tied and apart.size <= _MOST_EXACT else "asymptotic"
    p = float(wilcoxon(apart, method=method, correction=True).pvalue)
    return SignedRanks(min(1.0, p), float((np.sign(apart) * ranks).sum()), int(apart.size))


def patient_f1(counts: NDArray[np.int64]) -> Floats:
    """F1 of each patient; 1 where there was nothing to find and nothing was found.

    Args:
        counts: True positives, false positives, false negatives; shape (n_patients, 3).
    """
    twice, errors = 2.0 * counts[:, 0], counts[:, 1] + counts[:, 2]
    found: Floats = np.divide(twice, twice + errors, out=np.ones(len(counts)), where=twice + errors > 0)
    return found


def _tally(outcomes: Outcomes, side: Side) -> NDArray[np.int64]:
    """Shape (n_patients, 3)."""
    tagger = TAGGERS.index(side.tagger)
    added: NDArray[np.int64] = np.sum([outcomes.counts[cell][:, tagger] for cell in side.cells], axis=0)
    return added


def _parts(tallies: Sequence[NDArray[np.int64]]) -> RatioParts:
    """F1 as a ratio of sums, a column a tally."""
    numerator = np.column_stack([2.0 * tally[:, 0] for tally in tallies])
    denominator = numerator + np.column_stack([tally[:, 1] + tally[:, 2] for tally in tallies])
    return RatioParts(numerator, denominator, denominator)


def _comparison(
    outcomes: Outcomes, question: Question, difference: Estimate, ranks: SignedRanks, adjusted: float
) -> Comparison:
    left, right = _tally(outcomes, question.left), _tally(outcomes, question.right)
    folds = np.unique(outcomes.folds)
    by_fold = [_micro_f1(left[outcomes.folds == f]) - _micro_f1(right[outcomes.folds == f]) for f in folds]
    sign = np.sign(difference.value)
    clear = difference.low > 0 or difference.high < 0
    agreeing = sum(bool(np.sign(each) == sign) for each in by_fold)
    told = adjusted <= LEVEL and clear and bool(np.sign(ranks.leaning) == sign) and agreeing == len(folds)
    return Comparison(question, difference, ranks.p, adjusted, ranks.n, agreeing, len(folds), told)


def _micro_f1(counts: NDArray[np.int64]) -> float:
    """NaN where there is nothing, which agrees with no sign."""
    found, false, missed = counts.sum(axis=0)
    whole = 2 * found + false + missed
    return float(2 * found / whole) if whole else float("nan")
