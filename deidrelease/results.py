"""Plain frozen values that every layer reports in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SMALLEST_CELL = 10
"""Counts below this are not told one by one in a breakdown."""


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


Status = Literal["measured", "inconclusive", "failed"]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What one audit may tell: aggregates, each with its interval, and no word of any note.

    Attributes:
        audit: Its name.
        version: Of the audit's code and statistics.
        status: `measured`; `inconclusive` where the data cannot carry the statistic; `failed` where the audit crashed.
        reason: Why it is not `measured`, and what would help; empty otherwise. Holds no private text.
        threat_model: Who is assumed to try what.
        metrics: Name to estimate; the names are fixed, policies refer to them.
        control: The same measured on the hold-out, where that has a meaning.
        p_value: Of the audit's own test of no learning, before correction over the run; None where it has none.
        null: The null of `decisive` and of the test as fitted: names to numbers or plain sentences.
        breakdown: Table to cell to count, as text: cells under ten are bucketed.
        settings: Those that decide the result.
        seed: Of whatever is random in it.
        says: What a reader may conclude.
        does_not_say: What a reader may not conclude.
    """

    audit: str
    version: int
    status: Status
    reason: str
    threat_model: str
    metrics: Mapping[str, Estimate]
    control: Mapping[str, Estimate]
    p_value: float | None
    null: Mapping[str, object]
    breakdown: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, object]
    seed: int
    says: str
    does_not_say: str


def bucketed(count: int) -> str:
    """A count as a breakdown cell shows it: `0`, `1-9`, or the number from ten on."""
    if count < 0:
        raise ValueError(f"a count cannot be {count}")
    return str(count) if count == 0 or count >= SMALLEST_CELL else f"1-{SMALLEST_CELL - 1}"
