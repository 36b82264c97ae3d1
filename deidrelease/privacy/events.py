"""What a private training did, as an accountant has to know it.

An event is a frozen description of what happened; accountants interpret it. There is one kind, and a document of any
other is refused: what is not understood cannot be accounted for.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deidrelease.errors import PrivacyError, Problem

KIND = "poisson-gaussian"
_FIELDS = {"kind", "sampling_rate", "noise_multiplier", "steps"}


@dataclass(frozen=True, slots=True)
class PoissonGaussian:
    """Steps of DP-SGD (Abadi et al. 2016, algorithm 1, with Poisson sampling).

    In each step every unit takes part by a coin of its own; the sum of what they contribute, each cut to the norm C,
    gets Gaussian noise of the standard deviation `noise_multiplier`·C per coordinate.

    Attributes:
        sampling_rate: Chance of a unit to take part in a step; above 0, at most 1.
        noise_multiplier: Noise over clipping norm; 0 is no privacy at all.
        steps: How many such steps were taken, those with an empty batch included.

    Raises:
        ValueError: A number is outside its range.
    """

    sampling_rate: float
    noise_multiplier: float
    steps: int

    def __post_init__(self) -> None:
        if not (_is_number(self.sampling_rate) and 0 < self.sampling_rate <= 1):
            raise ValueError("a sampling rate lies above 0 and at most at 1")
        if not (_is_number(self.noise_multiplier) and 0 <= self.noise_multiplier < math.inf):
            raise ValueError("a noise multiplier is a finite number that is not negative")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError("steps are a whole number that is not negative")

    def document(self) -> dict[str, object]:
        """As JSON values; `from_document` gives an equal event."""
        return {
            "kind": KIND,
            "sampling_rate": float(self.sampling_rate),
            "noise_multiplier": float(self.noise_multiplier),
            "steps": self.steps,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], where: str = "event") -> "PoissonGaussian":
        """The event that `document` describes.

        Raises:
            PrivacyError: It is none, of another kind, or holds a number outside its range.
        """
        try:
            if document.keys() != _FIELDS or document["kind"] != KIND:
                raise ValueError("is not of a kind that is known here")
            return cls(document["sampling_rate"], document["noise_multiplier"], document["steps"])
        except (ValueError, TypeError, AttributeError) as error:
            what = str(error) if isinstance(error, ValueError) else "is no description of an event"
            problem = Problem(where, what, "restore the file from where it was written")
            raise PrivacyError("What a training did cannot be read, so nothing is promised of it.", [problem]) from None


def merged(events: Iterable[PoissonGaussian]) -> tuple[PoissonGaussian, ...]:
    """The same steps with equal ones added up, in a fixed order: composition does not depend on order.

    Steps that never ran are left out.
    """
    steps: Counter[tuple[float, float]] = Counter()
    for event in events:
        steps[event.sampling_rate, event.noise_multiplier] += event.steps
    return tuple(PoissonGaussian(*kind, steps=number) for kind, number in sorted(steps.items()) if number)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
