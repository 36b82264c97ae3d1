"""What private steps told of a patient together: composition over all of them, by run and by release."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deidrelease.privacy.accountant import Part, epsilon_of_parts
from deidrelease.privacy.entries import Released, Step
from deidrelease.privacy.events import PoissonGaussian


@dataclass(frozen=True, slots=True)
class Budget:
    """What all private steps on a corpus may spend together.

    Attributes:
        epsilon: At most.
        delta: At which epsilon is added up.
    """

    epsilon: float
    delta: float


@dataclass(frozen=True, slots=True)
class Share:
    """What the steps of one run, or of all runs in one release, spent.

    Attributes:
        name: Keyed digest of the run's folder, or the release's id.
        epsilon: Infinite where a step has no bound.
        steps: How many private steps.
        unbounded: How many of them have no bound.
    """

    name: str
    epsilon: float
    steps: int
    unbounded: int


@dataclass(frozen=True, slots=True)
class Total:
    """What a patient has been exposed to by everything on record.

    Attributes:
        epsilon: Over every step; infinite as soon as one has no bound.
        delta: At which it is added up.
        bounded_epsilon: Over the steps with a bound alone; a promise only where `unbounded` is 0.
        steps: How many private steps.
        unbounded: How many of them have no bound.
        unfinished: How many began and have no recorded end; they count as all that was planned.
        runs: By run, in the order of their first step.
        releases: By release.
    """

    epsilon: float
    delta: float
    bounded_epsilon: float
    steps: int
    unbounded: int
    unfinished: int
    runs: tuple[Share, ...]
    releases: tuple[Share, ...]


def total_of(steps: Sequence[Step], releases: Iterable[Released], delta: float) -> Total:
    """Adds up `steps`; a release stands for all steps of its runs."""
    released: dict[str, set[str]] = {}
    for release in releases:
        released.setdefault(release.release_id, set()).add(release.run)
    runs = dict.fromkeys(step.run for step in steps)
    return Total(
        epsilon=epsilon_of(steps, delta),
        delta=delta,
        bounded_epsilon=epsilon_of([step for step in steps if step.bounded], delta),
        steps=len(steps),
        unbounded=_unbounded(steps),
        unfinished=sum(step.state == "begun" for step in steps),
        runs=tuple(_share(run, [step for step in steps if step.run == run], delta) for run in runs),
        releases=tuple(_share(name, [s for s in steps if s.run in of], delta) for name, of in released.items()),
    )


def epsilon_of(
    steps: Iterable[Step], delta: float, planned: Sequence[tuple[Sequence[PoissonGaussian], int]] = ()
) -> float:
    """Epsilon per patient over `steps`, and over `planned` events with their groups; infinite without a bound."""
    parts: list[Part] = [(event, group) for events, group in planned for event in events]
    for step in steps:
        if step.events is None:
            return math.inf
        parts.extend((event, step.group) for event in step.events)
    return epsilon_of_parts(parts, delta)


def _share(name: str, steps: Sequence[Step], delta: float) -> Share:
    return Share(name, epsilon_of(steps, delta), len(steps), _unbounded(steps))


def _unbounded(steps: Iterable[Step]) -> int:
    return sum(not step.bounded for step in steps)
