"""Differential privacy: what the training promises to a patient, what is outside of it, and what all runs add up to.

It measures nothing: it reads what the trainings counted, computes epsilon anew from that, and tells it with all that it
does not cover. Whether the promise is kept is the canaries' question.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import ClassVar

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.accountant import Part, epsilon_of_parts
from deidrelease.privacy.guarantee import events_of
from deidrelease.privacy.stated import guarantee_in
from deidrelease.privacy.total_document import Cumulated, parse_total
from deidrelease.results import DpGuarantee, Estimate
from deidrelease.signing.strict_json import StrictJsonError, parse_strict
from deidrelease_audits.statistics import exact_value

_METRICS = {
    "epsilon": "Of this run, for one patient: its trainings with differential privacy, composed.",
    "delta": "At which it holds.",
    "cumulative_epsilon": "Of all private steps on these patients, of every run and release in the ledger, composed.",
    "cumulative_delta": "At which that holds.",
}
_NO_PROMISE = (
    "The language model was not adapted with differential privacy: there is no epsilon. Set adapt.dp and run again."
)
_NO_BOUND = "Taken for patients, the notes have no bound: fewer notes of one patient, or the patient as the unit."


@dataclass(frozen=True, slots=True)
class Promises:
    """What the run left behind.

    Attributes:
        adapt: Of the language model; None where it was trained without.
        annotator: Likewise.
        ledger: Of all runs; None where none was handed over.
    """

    adapt: DpGuarantee | None
    annotator: DpGuarantee | None
    ledger: Cumulated | None

    @property
    def trainings(self) -> dict[str, DpGuarantee]:
        """Those with a promise, by stage."""
        both = {"adapt": self.adapt, "annotator": self.annotator}
        return {stage: stated for stage, stated in both.items() if stated is not None}

    def epsilon(self, delta: float) -> float:
        """For the patient with the most notes, over all trainings with a promise."""
        [first, *others] = self.trainings.values()
        if not others and delta == first.delta and (first.group_factor or 1) == 1:
            return first.epsilon  # computed anew when it was read
        parts: list[Part] = [
            (event, stated.group_factor or 1) for stated in self.trainings.values() for event in events_of(stated)
        ]
        return epsilon_of_parts(parts, delta)


@dataclass(frozen=True, slots=True)
class DifferentialPrivacy:
    """The audit; it has no settings but how closely two sums have to agree.

    Attributes:
        tolerance: Share by which the ledger's sum may lie below this run's own, for rounding.
    """

    tolerance: float = 1e-3

    name: ClassVar[str] = "dp"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("synthetic",)
    cost: ClassVar[float] = 1
    derives: ClassVar[str] = ""
    metrics: ClassVar[Mapping[str, str]] = _METRICS
    threat_model: ClassVar[str] = (
        "Anyone, with whatever knowledge and whatever attack, who wants to know whether one patient's notes were "
        "learnt from, or what they say."
    )
    says: ClassVar[str] = (
        "The trainings named can have told of any one patient no more than epsilon, at delta, by the unit, neighbours "
        "and sampler given: whatever is made of them keeps that. All steps in the ledger together no more than "
        "cumulative_epsilon."
    )
    does_not_say: ClassVar[str] = (
        "Anything of the steps named as outside, nor that the notes hold no personal data: what many patients share "
        "may be learnt and written. Nor that the program did what was accounted for: see the audit canary. Steps that "
        "no ledger recorded, such as those of another site with the same patients, are in no sum."
    )

    def settings(self) -> Mapping[str, object]:
        """All fields."""
        return asdict(self)

    def index(self, corpora: Corpora) -> Promises:
        """Reads what the trainings left behind, and computes each epsilon anew.

        Raises:
            PrivacyError: Something of it is damaged: that is no promise, and no lack of one either.
        """
        records = corpora.records
        total = _total(records.get("ledger"))
        adapt, annotator = (guarantee_in(records.get(stage)) for stage in ("adapt", "annotator"))
        return Promises(adapt, annotator, total)

    def scan(self, index: Promises, shard: Shard) -> int:  # noqa: ARG002  # a promise does not depend on the notes
        """Counts the synthetic notes that it speaks of."""
        return len(shard.notes)

    def conclude(self, index: Promises, tally: int) -> Conclusion:
        """Tells the promise; without one for the language model there is none for what it wrote."""
        if index.adapt is None:
            return Conclusion("inconclusive", _NO_PROMISE, null=_told(index))
        delta = index.adapt.delta
        epsilon = index.epsilon(delta)
        if not isfinite(epsilon):
            return Conclusion("inconclusive", _NO_BOUND, null=_told(index))
        reason = self._forgotten(index)
        return Conclusion(
            status="failed" if reason else "measured",
            reason=reason,
            metrics={**_run(epsilon, delta, index), **_sum(index.ledger)},
            null={**_told(index), "synthetic_notes": tally},
            breakdown=_events(index),
        )

    def _forgotten(self, index: Promises) -> str:
        """Where the ledger adds up to less than this run alone, it does not have the run; empty where all is well."""
        total = index.ledger
        if total is None or total.epsilon >= index.epsilon(total.delta) * (1 - self.tolerance):
            return ""
        return (
            "The ledger adds up to less than this run alone has spent: steps of it are missing there. Do not release; "
            "look for the ledger that the run was recorded in."
        )


def _total(path: Path | None) -> Cumulated | None:
    if path is None:
        return None
    try:
        return parse_total(parse_strict(path.read_bytes(), "the total of the ledger"))
    except (OSError, StrictJsonError):
        problem = Problem("ledger", "its total is missing or damaged", "run the audit again")
        raise PrivacyError("What was spent on this corpus cannot be read.", [problem]) from None


def _run(epsilon: float, delta: float, index: Promises) -> dict[str, Estimate]:
    units = max(stated.units for stated in index.trainings.values())
    accountants = ", ".join(sorted({stated.accountant for stated in index.trainings.values()}))
    method = f"upper bound for one patient over {' and '.join(index.trainings)}, composed; {accountants}"
    return {
        "epsilon": exact_value(epsilon, units, method),
        "delta": exact_value(delta, units, "chosen before the training"),
    }


def _sum(total: Cumulated | None) -> dict[str, Estimate]:
    """Without a ledger, or with a step in it that has no bound, there is no such number: whoever asks is blocked."""
    if total is None or not isfinite(total.epsilon):
        return {}
    method = f"upper bound, composed over {total.steps} private steps of {total.runs} runs in the ledger"
    return {
        "cumulative_epsilon": exact_value(total.epsilon, total.steps, method),
        "cumulative_delta": exact_value(total.delta, total.steps, "at which the ledger was added up"),
    }


def _told(index: Promises) -> dict[str, object]:
    told: dict[str, object] = {"ledger": _ledger(index.ledger)}
    for stage, stated in index.trainings.items():
        told |= {f"{stage}_{name}": value for name, value in _promise(stated).items()}
    return told


def _promise(stated: DpGuarantee) -> dict[str, object]:
    return {
        "epsilon": stated.epsilon,
        "delta": stated.delta,
        "epsilon_rdp": stated.epsilon_rdp,
        "epsilon_opacus": stated.epsilon_opacus,
        "accountant": stated.accountant,
        "unit": stated.unit,
        "units": stated.units,
        "neighbouring": stated.neighbouring,
        "sampler": stated.sampler,
        "clip": stated.clip,
        "group_factor": "none: the unit is the patient" if stated.group_factor is None else stated.group_factor,
        "outside": list(stated.outside),
    }


def _ledger(total: Cumulated | None) -> str:
    if total is None:
        return "none was handed over: this run only"
    told = f"{total.steps} private steps of {total.runs} runs; {total.unfinished} of them without a recorded end"
    if not isfinite(total.epsilon):
        return (
            f"{told}; no bound in sum, as {total.unbounded} of them have none; the others {total.bounded_epsilon:.6g}"
        )
    return told


def _events(index: Promises) -> dict[str, dict[str, str]]:
    return {
        f"{stage}: steps by what they did": {
            f"Poisson sampling at {event.sampling_rate:.6g}, noise multiplier {event.noise_multiplier:.6g}": str(
                event.steps
            )
            for event in events_of(stated)
        }
        for stage, stated in index.trainings.items()
    }
