"""The guarantee of one training: made from what ran, written, and read again as strictly."""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.accountant import epsilon_by_pld, require_agreement, spent
from deidrelease.privacy.events import PoissonGaussian, merged
from deidrelease.results import DpGuarantee, PrivacyUnit

FORMAT = "deidrelease.dp-guarantee/1"
SAMPLER = "poisson"
SAME = 1e-3
"""How far, as a share, a recomputed epsilon may lie from the recorded one: libraries round differently."""


def guarantee(
    events: Sequence[PoissonGaussian],
    delta: float,
    unit: PrivacyUnit,
    units: int,
    clip: float | Literal["automatic"],
    most_notes_of_a_patient: int,
    outside: Sequence[str],
) -> DpGuarantee:
    """What a training promises that consisted of `events`, as its loop counted them, and of nothing else.

    Args:
        events: What ran.
        delta: For which epsilon is stated.
        unit: Who is protected.
        units: How many there were.
        clip: The norm that gradients were cut to.
        most_notes_of_a_patient: The group that notes as units have to be told with.
        outside: What epsilon does not cover.

    Raises:
        PrivacyError: Nothing ran, it had no noise, or the accountants contradict one another.
    """
    if not merged(events):
        raise _nothing("no private step was counted")
    numbers = spent(events, delta)
    if math.isinf(numbers.epsilon):
        raise _nothing("the noise was too small for any epsilon")
    return DpGuarantee(
        epsilon=numbers.epsilon,
        delta=delta,
        unit=unit,
        units=units,
        neighbouring=f"add or remove one {unit}",
        sampler=SAMPLER,
        accountant=f"PLD, dp-accounting {version('dp-accounting')}",
        epsilon_rdp=numbers.rdp,
        epsilon_opacus=numbers.opacus,
        events=tuple(event.document() for event in merged(events)),
        clip=clip,
        group_factor=most_notes_of_a_patient if unit == "note" else None,
        outside=tuple(outside),
    )


def patient_epsilon(stated: DpGuarantee) -> float:
    """Epsilon at the same delta for the patient with the most notes; as stated where the unit is the patient.

    Group privacy would give `group_factor` times epsilon, at a delta that grows without a useful bound; the mixture of
    Gaussians (Ganesh 2024) is exact for Poisson sampling, and keeps delta. Infinite where nothing is promised.
    """
    if stated.group_factor is None or stated.group_factor == 1:
        return stated.epsilon
    return epsilon_by_pld(events_of(stated), stated.delta, stated.group_factor)


def events_of(stated: DpGuarantee) -> tuple[PoissonGaussian, ...]:
    """What ran."""
    return tuple(PoissonGaussian.from_document(event) for event in stated.events)


def guarantee_document(stated: DpGuarantee) -> dict[str, Any]:
    """As JSON values; `parse_guarantee` gives an equal guarantee."""
    return {
        "format": FORMAT,
        "epsilon": stated.epsilon,
        "delta": stated.delta,
        "unit": stated.unit,
        "units": stated.units,
        "neighbouring": stated.neighbouring,
        "sampler": stated.sampler,
        "accountant": stated.accountant,
        "epsilon_rdp": stated.epsilon_rdp,
        "epsilon_opacus": stated.epsilon_opacus,
        "events": [dict(event) for event in stated.events],
        "clip": stated.clip,
        "group_factor": stated.group_factor,
        "outside": list(stated.outside),
    }


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: Literal["deidrelease.dp-guarantee/1"]
    epsilon: Annotated[float, Field(gt=0)]
    delta: Annotated[float, Field(gt=0, lt=1)]
    unit: PrivacyUnit
    units: Annotated[int, Field(ge=1)]
    neighbouring: Annotated[str, Field(min_length=1)]
    sampler: Literal["poisson"]
    accountant: Annotated[str, Field(min_length=1)]
    epsilon_rdp: Annotated[float, Field(gt=0)]
    epsilon_opacus: Annotated[float, Field(gt=0)]
    events: Annotated[list[dict[str, Any]], Field(min_length=1)]
    clip: Annotated[float, Field(gt=0)] | Literal["automatic"]
    group_factor: Annotated[int, Field(ge=1)] | None
    outside: list[Annotated[str, Field(min_length=1)]]


def parse_guarantee(document: Mapping[str, Any], where: str = "guarantee") -> DpGuarantee:
    """The guarantee that `document` describes.

    Args:
        document: As `guarantee_document` made it.
        where: The file, for messages.

    Raises:
        PrivacyError: Keys or values are not those of the format, the accountants contradict one another, or unit,
            neighbours and group do not go together.
    """
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        keys = sorted({".".join(map(str, detail["loc"])) or "the whole" for detail in error.errors()})
        raise _unreadable(where, f"is no guarantee: {', '.join(keys[:5])}") from None
    for event in read.events:
        PoissonGaussian.from_document(event, where)
    if read.neighbouring != f"add or remove one {read.unit}" or (read.group_factor is None) != (read.unit == "patient"):
        raise _unreadable(where, "names a unit, neighbours and a group that do not go together")
    require_agreement(read.epsilon, read.epsilon_rdp, read.epsilon_opacus)
    values = read.model_dump(exclude={"format"})
    return DpGuarantee(**{**values, "events": tuple(read.events), "outside": tuple(read.outside)})


def require_recomputed(stated: DpGuarantee, where: str = "guarantee") -> None:
    """Computes epsilon anew from the recorded events.

    Raises:
        PrivacyError: It is not what is stated.
    """
    again = epsilon_by_pld(events_of(stated), stated.delta)
    if not abs(again - stated.epsilon) <= SAME * stated.epsilon:
        raise _unreadable(where, "states another epsilon than its events give")


def _nothing(what: str) -> PrivacyError:
    problem = Problem("training", what, "ask for a smaller epsilon, or leave dp out of the configuration")
    return PrivacyError("There is nothing to promise, so no epsilon is stated.", [problem])


def _unreadable(where: str, what: str) -> PrivacyError:
    return PrivacyError("A guarantee cannot be used.", [Problem(where, what, "run the training again")])
