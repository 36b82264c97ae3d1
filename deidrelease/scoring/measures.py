"""What each score is: a ratio of sums of counts.

That F1 too is one, `2 tp / (2 tp + fp + fn)`, lets all scores be resampled by the same matrix product. It is 0 where
nothing was found though something was there (or predicted), and undefined only where there was neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.scoring.tallies import Columns, PatientTallies

Terms = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A score as weighted sums of counts, by the counts' names.

    Attributes:
        numerator: What is counted.
        denominator: Out of how much; 0 leaves the score undefined.
        most: The largest numerator these notes admit, where that is not the denominator.
    """

    numerator: Terms
    denominator: Terms
    most: Terms | None = None


_FOUND = {"strict_tp": 1}
_MENTIONS = {"strict_tp": 1, "strict_fn": 1}
_STRICT_F1 = Ratio({"strict_tp": 2}, {"strict_tp": 2, "strict_fp": 1, "strict_fn": 1})
_TOKEN_F1 = Ratio({"token_tp": 2}, {"token_tp": 2, "token_fp": 1, "token_fn": 1})

# Strict and leak score: Marimon et al. 2019 (MEDDOCAN, IberLEF). Their script reads sentences from annotation files;
# here a rule counts them (texts.count_sentences), so leak scores compare within this package only. Token F1: the
# measure of the paper this project follows. The rest are this project's own, defined in Scorer.tally.
OVERALL: Mapping[str, Ratio] = {
    "strict_precision": Ratio(_FOUND, {"strict_tp": 1, "strict_fp": 1}),
    "strict_recall": Ratio(_FOUND, _MENTIONS),
    "strict_f1": _STRICT_F1,
    "token_precision": Ratio({"token_tp": 1}, {"token_tp": 1, "token_fp": 1}),
    "token_recall": Ratio({"token_tp": 1}, {"token_tp": 1, "token_fn": 1}),
    "token_f1": _TOKEN_F1,
    "character_recall": Ratio({"characters_covered": 1}, {"characters": 1}),
    "exposed_mentions": Ratio({"exposed": 1}, _MENTIONS),
    "leak_score": Ratio({"strict_fn": 1}, {"sentences": 1}, most=_MENTIONS),
    "unseen_recall": Ratio({"unseen_found": 1}, {"unseen": 1}),
}
PER_LABEL: Mapping[str, Ratio] = {
    "strict_precision": OVERALL["strict_precision"],
    "strict_recall": OVERALL["strict_recall"],
    "strict_f1": _STRICT_F1,
    "token_f1": _TOKEN_F1,
}


@dataclass(frozen=True, slots=True, eq=False)
class RatioParts:
    """Patients' shares in several ratios; each array has the shape (n_patients, n_ratios).

    Attributes:
        numerator: What each patient adds to the numerators.
        denominator: What each patient adds to the denominators.
        most: What each patient could at most have added to the numerators.
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def of(cls, tallies: PatientTallies, wanted: Sequence[tuple[Ratio, str | None]]) -> Self:
        """Shares in each wanted ratio, over the label named with it or over all labels."""
        columns = Columns(tallies.labels)

        def shares(side: Sequence[tuple[Terms, str | None]]) -> NDArray[np.float64]:
            weights = np.zeros((columns.size, len(side)))
            for index, (terms, label) in enumerate(side):
                for count, weight in terms.items():
                    weights[columns.of(count, label), index] += weight
            # Whole numbers far below 2**53: the products are exact, so equal ratios compare equal.
            return tallies.matrix @ weights

        return cls(
            shares([(ratio.numerator, label) for ratio, label in wanted]),
            shares([(ratio.denominator, label) for ratio, label in wanted]),
            shares([(ratio.most or ratio.denominator, label) for ratio, label in wanted]),
        )
