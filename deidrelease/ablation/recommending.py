"""Recommends a cell: the cheapest that is as good as the best, within a margin, and that passes a policy in every fold.

*As good* is asked of the interval and not of the point: the lower end of the paired interval of the cell's strict F1
minus that of the best has to lie above minus the margin (a non-inferiority test; Piaggio et al. 2012, JAMA 308:
2594-2604). A cell that nobody can tell from the best because there are few patients is not as good as the best.
"""

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deidrelease.ablation.comparing import RESAMPLING, Side, differences_to, f1_of
from deidrelease.ablation.judging import CellVerdict, judge_cells
from deidrelease.ablation.outcomes import CellOutcome, Outcomes
from deidrelease.policy import Policy
from deidrelease.results import Estimate
from deidrelease.scoring.bootstrap import Resampling

Cost = Literal["seconds", "annotated"]
COSTS: Mapping[Cost, str] = {
    "seconds": "seconds of computing for one run of all its stages, by the wall clock",
    "annotated": "patients whose notes have to be annotated by hand, then seconds of computing",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A whole cell, as the choice sees it.

    Attributes:
        cell: It.
        f1: Strict F1 of its synthetic tagger, over all hold-out patients.
        to_best: The same minus that of the best cell, paired; exactly zero of the best itself.
        within: Whether the lower end of `to_best` is at least minus the margin.
        verdict: What the policy says of it.
        cost: To sort by; infinite where it was not measured.
    """

    cell: CellOutcome
    f1: Estimate
    to_best: Estimate
    within: bool
    verdict: CellVerdict
    cost: tuple[float, ...]

    @property
    def eligible(self) -> bool:
        """Whether it may be recommended."""
        return self.within and self.verdict.passes


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What is recommended, or that nothing is, with all that it was chosen from.

    Attributes:
        chosen: The cheapest that is eligible; None where none is.
        best: The cell with the highest strict F1, whatever the policy says of it.
        candidates: All whole cells, cheapest first.
        left_out: How many cells are not done in every run, and so no candidates.
        margin: Largest loss of F1 that was allowed.
        cost: What cheapest means.
        policy: That was held against the audits.
    """

    chosen: Candidate | None
    best: Candidate
    candidates: tuple[Candidate, ...]
    left_out: int
    margin: float
    cost: Cost
    policy: Policy


def recommend(
    outcomes: Outcomes,
    out: Path,
    policy: Policy,
    margin: float,
    now: datetime.date,
    cost: Cost = "seconds",
    how: Resampling = RESAMPLING,
) -> Recommendation | None:
    """The recommendation; None where no cell is whole or no tagger of any found anything to score.

    Args:
        outcomes: Of the ablation.
        out: Its folder.
        policy: Resolved.
        margin: Of strict F1, 0 or more.
        now: The day of the decision, UTC.
        cost: What cheapest means.
        how: Of the intervals.
    """
    candidates = _candidates(outcomes, judge_cells(outcomes, out, policy, now), margin, _COSTS[cost], how)
    if not candidates:
        return None
    best = max(candidates, key=lambda each: each.f1.value)
    ordered = tuple(sorted(candidates, key=lambda each: each.cost))
    chosen = next((each for each in ordered if each.eligible), None)
    left_out = len(outcomes.cells) - len(outcomes.whole)
    return Recommendation(chosen, best, ordered, left_out, margin, cost, policy)


def _candidates(
    outcomes: Outcomes,
    verdicts: Mapping[str, CellVerdict],
    margin: float,
    cost: Callable[[CellOutcome], tuple[float, ...]],
    how: Resampling,
) -> list[Candidate]:
    scored = zip(outcomes.whole, f1_of(outcomes, [_side(cell) for cell in outcomes.whole], how), strict=True)
    defined = [(cell, f1) for cell, f1 in scored if f1 is not None]
    if not defined:
        return []
    best, best_f1 = max(defined, key=lambda each: each[1].value)
    gaps = differences_to(outcomes, [_side(cell) for cell, _ in defined], _side(best), how)
    itself = Estimate(0.0, 0.0, 0.0, how.confidence, best_f1.n, "the best cell minus itself")
    found = []
    for (cell, f1), gap in zip(defined, gaps, strict=True):
        to_best = itself if cell is best else gap
        if to_best is not None:
            within = to_best.low >= -margin
            found.append(Candidate(cell, f1, to_best, within, verdicts[cell.id], cost(cell)))
    return found


def _side(cell: CellOutcome) -> Side:
    return Side((cell.id,), "synthetic")


def _seconds(cell: CellOutcome) -> tuple[float, ...]:
    return (_known(cell.mean("seconds")),)


def _annotated(cell: CellOutcome) -> tuple[float, ...]:
    return _known(cell.mean("gold_patients_annotator")), _known(cell.mean("seconds"))


def _known(number: float | None) -> float:
    """What was not measured is not cheap."""
    return math.inf if number is None else number


_COSTS: Mapping[Cost, Callable[[CellOutcome], tuple[float, ...]]] = {"seconds": _seconds, "annotated": _annotated}
