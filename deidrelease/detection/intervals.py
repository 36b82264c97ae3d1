"""Intervals for shares whose units come in notes.

Mentions of one note, and still more its characters, are found or missed together. The Wilson score interval (Wilson
1927, J. Am. Stat. Assoc. 22: 209-212) is therefore taken at the effective sample size: the number of units divided by
the design effect of the notes, from the linearised variance of a ratio (Cochran 1977, Sampling Techniques, section
6.3; Kish 1965, Survey Sampling, section 8.2). The design effect is never taken below 1, so that the interval is never
narrower than the plain one; characters count for no more than the mentions they make up. Where nothing varies, as with
a type that was always found, the notes are what is counted.
"""

from dataclasses import dataclass

from deidrelease.results import Estimate
from deidrelease.scoring.intervals import wilson_bounds

METHOD = "Wilson score at the effective sample size, notes as clusters (Wilson 1927; Cochran 1977)"


@dataclass(slots=True)
class ClusteredShare:
    """Hits among units, note by note, in six numbers, however many notes there are.

    Attributes:
        hits: Units that count.
        units: All units.
        notes: Notes with at least one unit.
    """

    hits: int = 0
    units: int = 0
    notes: int = 0
    _hits_squared: int = 0
    _product: int = 0
    _units_squared: int = 0

    def add(self, hits: int, units: int) -> None:
        """Counts one note; a note without units says nothing.

        Raises:
            ValueError: Not `0 <= hits <= units`.
        """
        if not 0 <= hits <= units:
            raise ValueError(f"{hits} hits among {units} units")
        if units:
            self.hits, self.units, self.notes = self.hits + hits, self.units + units, self.notes + 1
            self._hits_squared += hits * hits
            self._product += hits * units
            self._units_squared += units * units

    def estimate(self, at_most: int | None = None) -> Estimate:
        """The share with its 95% interval; `n` is the number of units.

        Args:
            at_most: How many independent units there can be, where it is fewer than all.

        Raises:
            ValueError: There is no unit.
        """
        if not self.units:
            raise ValueError("a share of nothing")
        share = self.hits / self.units
        low, high = wilson_bounds(share, min(self._effective(share), at_most or self.units))
        return Estimate(share, low, high, 0.95, self.units, METHOD)

    def _effective(self, share: float) -> float:
        scatter = self._hits_squared - 2 * share * self._product + share**2 * self._units_squared
        if self.notes < 2 or scatter <= 1e-9 * self._units_squared:
            return self.notes
        variance = self.notes / (self.notes - 1) * scatter / self.units**2
        return min(self.units, share * (1 - share) / variance)
