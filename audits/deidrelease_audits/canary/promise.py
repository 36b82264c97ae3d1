"""What a training promises at the delta at which its canaries can be heard."""

from dataclasses import dataclass

from deidrelease.privacy.accountant import epsilon_of_parts
from deidrelease.privacy.guarantee import events_of
from deidrelease.results import DpGuarantee


@dataclass(frozen=True, slots=True)
class Promise:
    """One point of the curve of epsilons and deltas that the steps of a training keep.

    Attributes:
        epsilon: For one unit, which is what a canary is; infinite where nothing is promised.
        delta: At which it holds.
        stated: The guarantee itself.
    """

    epsilon: float
    delta: float
    stated: DpGuarantee


def promise_of(stated: DpGuarantee | None, delta: float) -> Promise | None:
    """The promise at `delta`, or at the delta of the guarantee where that is smaller; None where there is none.

    Who promises (epsilon, delta) by certain steps promises by the same steps a larger epsilon at every smaller delta,
    and has to keep that too.
    """
    if stated is None:
        return None
    if stated.delta <= delta:
        return Promise(stated.epsilon, stated.delta, stated)
    return Promise(epsilon_of_parts([(event, 1) for event in events_of(stated)], delta), delta, stated)
