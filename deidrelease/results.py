"""Plain frozen values that every layer reports in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that never travels without its interval, its sample size and how it came about.

    Attributes:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        confidence: Coverage the interval aims at, such as 0.95.
        n: Sample size, in units of what was resampled (patients, unless `method` says otherwise).
        method: How the interval was computed, with its source.

    Raises:
        ValueError: Not `low <= value <= high`, which also refuses NaN.
    """

    value: float
    low: float
    high: float
    confidence: float
    n: int
    method: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"an estimate needs low <= value <= high, not {self.low}, {self.value}, {self.high}")

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"
