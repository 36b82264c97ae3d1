"""A ledger's total as a document, without a word of single runs: the audits tell it, and what they tell may leave."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.totals import Total

FORMAT = "deidrelease.ledger-total/1"
_Count = Annotated[int, Field(ge=0)]
_Epsilon = Annotated[float, Field(ge=0)] | None


@dataclass(frozen=True, slots=True)
class Cumulated:
    """What a patient has been exposed to by everything on record; fields as in `Total`, runs and releases counted."""

    epsilon: float
    delta: float
    bounded_epsilon: float
    steps: int
    unbounded: int
    unfinished: int
    runs: int
    releases: int


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: Literal["deidrelease.ledger-total/1"]
    epsilon: _Epsilon
    delta: Annotated[float, Field(gt=0, lt=1)]
    bounded_epsilon: _Epsilon
    steps: _Count
    unbounded: _Count
    unfinished: _Count
    runs: _Count
    releases: _Count


def total_document(total: Total) -> dict[str, Any]:
    """As JSON values; an epsilon without a bound is null, since JSON has no infinity."""
    return {
        "format": FORMAT,
        "epsilon": _or_null(total.epsilon),
        "delta": total.delta,
        "bounded_epsilon": _or_null(total.bounded_epsilon),
        "steps": total.steps,
        "unbounded": total.unbounded,
        "unfinished": total.unfinished,
        "runs": len(total.runs),
        "releases": len(total.releases),
    }


def parse_total(document: Mapping[str, Any], where: str = "total") -> Cumulated:
    """What `document` says.

    Raises:
        PrivacyError: It is no total, or states an epsilon where a step has no bound.
    """
    try:
        read = _Document.model_validate(document)
        if read.unbounded and read.epsilon is not None:
            raise ValueError("a step without a bound has no epsilon")
    except ValueError:
        problem = Problem(where, "is no total of a ledger", "run again")
        raise PrivacyError("What was spent cannot be read.", [problem]) from None
    values = read.model_dump(exclude={"format"})
    return Cumulated(**values | {name: _or_infinite(values[name]) for name in ("epsilon", "bounded_epsilon")})


def _or_null(epsilon: float) -> float | None:
    return epsilon if math.isfinite(epsilon) else None


def _or_infinite(epsilon: float | None) -> float:
    return math.inf if epsilon is None else epsilon
