"""How far chance reaches: an exponential tail over what pairs of *different* patients share, with upper bounds.

Peaks over a threshold (Pickands 1975, Annals of Statistics 3; Davison and Smith 1990, JRSS B 52) with a shape of zero.
What lies beyond the sample is extrapolated, which no data can confirm: hence the upper confidence bound of the scale,
a threshold far from the end of the tail, and tests of the calibration on real notes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.statistics import clopper_pearson


@dataclass(frozen=True, slots=True)
class ExponentialTail:
    """The chance that one patient reaches a value: `share * exp(-(value - threshold) / scale)` above `threshold`.

    Attributes:
        threshold: Where the tail begins.
        share: Upper 95% bound of the share of patients above it (Clopper and Pearson 1934).
        scale: Upper 95% bound of the mean excess: twice the sum of k excesses is chi-squared with 2k degrees.
        n: Patients it was fitted on.
        peaks: Of them above the threshold.
    """

    threshold: float
    share: float
    scale: float
    n: int
    peaks: int

    @classmethod
    def fitted(cls, values: NDArray[np.float64], quantile: float, least_scale: float) -> Self:
        """From one value a patient, above their `quantile`; the scale is at least `least_scale`.

        Raises:
            ValueError: No values.
        """
        from scipy.special import gammaincinv

        if len(values) == 0:
            raise ValueError("a tail needs values")
        threshold = float(np.quantile(values, quantile, method="lower"))
        excess = values[values > threshold] - threshold
        peaks = len(excess)
        # The 5% point of chi-squared with 2k degrees is twice that of a gamma of shape k.
        scale = float(excess.sum() / gammaincinv(peaks, 0.05)) if peaks else least_scale
        share = clopper_pearson(peaks, len(values), 0.90).high
        return cls(threshold, share, max(scale, least_scale), len(values), peaks)

    def chance(self, value: float) -> float:
        """Upper bound of the chance that one patient reaches `value`; 1 below the tail."""
        return 1.0 if value <= self.threshold else self.share * exp(-(value - self.threshold) / self.scale)

    def reached_by(self, chance: float) -> float:
        """The value that one patient reaches with `chance`; the threshold where that is no rarer than the tail."""
        return self.threshold + self.scale * max(0.0, log(self.share / chance))

    def told(self) -> Mapping[str, object]:
        """Its numbers, for a report."""
        return {
            "tail_threshold": round(self.threshold, 4),
            "tail_share_upper": round(self.share, 4),
            "tail_scale_upper": round(self.scale, 4),
            "tail_patients": self.n,
            "tail_peaks": self.peaks,
        }
