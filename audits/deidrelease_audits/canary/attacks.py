"""Both attacks of the canary audit on one run's canaries, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.results import Estimate
from deidrelease_audits.attack_statistics import rate_at_few_alarms
from deidrelease_audits.canary.exposure import mean_exposure
from deidrelease_audits.canary.one_run import Bound, ceiling, epsilon_lower
from deidrelease_audits.canary.promise import Promise
from deidrelease_audits.canary.scores import Scores
from deidrelease_audits.statistics import auc_estimate, exact_value, patient_bootstrap

FALSE_ALARMS = 0.01
ATTACKS = ("model", "text")


@dataclass(frozen=True, slots=True)
class Attacks:
    """Both attacks, judged.

    Attributes:
        scores: By attack; (n,).
        inserted: What the coins said; (n,).
        bounds: By attack, each at half the level.
        ceiling: Of either.
        delta: Of all bounds.
        confidence: Of the larger of the bounds.
    """

    scores: Mapping[str, Scores]
    inserted: NDArray[np.bool_]
    bounds: Mapping[str, Bound]
    ceiling: float
    delta: float
    confidence: float

    @classmethod
    def of(cls, scores: Mapping[str, Scores], inserted: NDArray[np.bool_], confidence: float, delta: float) -> Self:
        """Judges `scores` of every attack; higher for what seems to have been planted."""
        level = (1 - confidence) / len(ATTACKS)
        bounds = {attack: epsilon_lower(scores[attack], inserted, delta, level) for attack in ATTACKS}
        return cls(scores, inserted, bounds, ceiling(len(inserted), delta, level), delta, confidence)

    @property
    def sizes(self) -> tuple[int, int]:
        """Planted, and kept out."""
        planted = int(self.inserted.sum())
        return planted, len(self.inserted) - planted

    @property
    def proved(self) -> float:
        """The larger bound."""
        return max(bound.epsilon for bound in self.bounds.values())

    def metrics(self, seed: int) -> dict[str, Estimate]:
        """All of the audit's numbers but those of what was found in the synthetic notes."""
        n = len(self.inserted)
        model, text = (self._arms(attack) for attack in ATTACKS)
        exposure = "exposure among those kept out (Carlini et al. 2019), bootstrap over canaries"
        one_run = f"one-run audit at delta {self.delta:.3g} (Steinke et al. 2023), Bonferroni over both attacks' plans"
        return {
            "exposure_mean": patient_bootstrap(mean_exposure, model, seed, method=exposure),
            "auc": auc_estimate(*model, seed),
            "auc_text": auc_estimate(*text, seed),
            "tpr_at_1pct_fpr": rate_at_few_alarms(*model, FALSE_ALARMS, seed, "canaries that were kept out"),
            "epsilon_lower": _one_sided(self.proved, n, self.confidence, one_run),
            "ceiling": exact_value(self.ceiling, n, f"{one_run}, were every guess right"),
        }

    def told(self, promise: Promise | None) -> dict[str, object]:
        """The null, what is promised, and what each attack proved."""
        told: dict[str, object] = {
            "null": "a fair coin put each canary in or kept it out, so no attack does better than the training's "
            "epsilon allows (Steinke et al. 2023, theorem 5.2)",
            "delta": self.delta,
            "promised_epsilon": "none",
        }
        if promise is not None:
            told["promised_epsilon"] = promise.epsilon if isfinite(promise.epsilon) else "none at this delta"
            told["stated_epsilon"], told["stated_delta"] = promise.stated.epsilon, promise.stated.delta
            told["could_be_refuted"] = self.ceiling > promise.epsilon
        for attack, bound in self.bounds.items():
            told[f"{attack}_epsilon_lower"] = bound.epsilon
            told[f"{attack}_guesses"] = (
                f"{bound.correct} of {bound.plan.guesses} right, of {len(self.inserted)} canaries"
            )
        return told

    def _arms(self, attack: str) -> tuple[Scores, Scores]:
        return self.scores[attack][self.inserted], self.scores[attack][~self.inserted]


def _one_sided(value: float, n: int, confidence: float, method: str) -> Estimate:
    """A bound from below is itself an end of an interval, of which the other is not known."""
    return Estimate(value, value, value, confidence, n, f"one-sided lower bound, {method}")
