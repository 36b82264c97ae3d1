"""Near-duplicates: synthetic notes that are largely one private note, or hold one, or were taken from one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from typing import ClassVar

import numpy as np

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.asked_power import asked_patients, lacking_power, told_power
from deidrelease_audits.near_duplicate.distance_share import distance_share
from deidrelease_audits.near_duplicate.evidence import by_containment, findings_of
from deidrelease_audits.near_duplicate.index import NearDuplicateIndex
from deidrelease_audits.near_duplicate.scan import MILLION, ArmTally, NearDuplicateTally, draw_rank, scanned
from deidrelease_audits.patients import BothArms
from deidrelease_audits.pooled_excess import PooledExcess, pooled_excess
from deidrelease_audits.statistics import exact_count, exact_value, needed_patients, wilson
from deidrelease_audits.tails import ExponentialTail

_METRICS = {
    "notes_contained_50": "Share of synthetic notes that hold at least 50% of the shingles of one private note, or of "
    "whose own shingles at least 50% stand in one private note.",
    "notes_contained_80": "The same with 80%.",
    "max_containment": "The largest such share over all synthetic notes.",
    "dcr_share": "Share of synthetic notes whose nearest private patient (Jaccard similarity) is of train and not of "
    "the hold-out, with equally many patients of each; a half says that the release is no nearer to train.",
    "patients_excess": "Residual share of train patients with an unusually large containment, beyond the hold-out's.",
    "p_value": "One-sided p of that excess if the split of patients was a fair draw.",
    "decisive": "Synthetic notes that share more with one train patient than chance explains at 1e-6.",
}
_NULL = (
    "What two different patients share: their strongest match, which is the number of shared shingles that no other "
    "reference patient has, over the root of how many such shingles the smaller note has. Its tail is exponential, "
    "fitted on hold-out patients against the synthetic notes and on train patients against hold-out notes, with 95% "
    "upper bounds of its scale and its weight, and multiplied by the train patients searched."
)
_FAILS = (
    "It extrapolates beyond the sample. Text carried from one patient to another (twins, a parent and a child, one "
    "patient under two numbers, a letter copied forward) can pass for a copy. A form that the reference has in one "
    "patient at most is not known to be a form. A copy of a short note is not decisive: see the sizes below."
)


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Counts shared word shingles of every synthetic with every private note; satisfies `contracts.Audit`.

    Attributes:
        width: Words of a shingle.
        least_shared: Fewer shared shingles are no containment: a short note of a form's words stands in any.
        least_size: The strength of a match counts as if a note had at least so many shingles, so that the few of a
            short note do not weigh too much.
        reference_notes: Hold-out notes, whole patients, by which forms are told from persons.
        tail_quantile: Where the tail of chance sharing begins.
        least_scale: Below which its scale is not believed.
        alpha: Expected chance matches in the whole search, at most, for a match to be decisive.
        pooled_shares: Of the patients of both arms that may match, for the three thresholds of the excess.
        detectable: Matched train patients that have to be detectable at the fewest, see `asked_power`.
    """

    width: int = 5
    least_shared: int = 8
    least_size: int = 50
    reference_notes: int = 500
    tail_quantile: float = 0.6
    least_scale: float = 0.1
    alpha: float = 1e-6
    pooled_shares: tuple[float, float, float] = (0.01, 0.05, 0.2)
    detectable: int = 5

    name: ClassVar[str] = "near_duplicate"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 2
    derives: ClassVar[str] = "words"
    metrics: ClassVar[Mapping[str, str]] = _METRICS
    threat_model: ClassVar[str] = (
        "Somebody who holds a note, or the half of one, reads the release and recognises it, though words were added, "
        "left out or replaced here and there."
    )
    says: ClassVar[str] = (
        "How many synthetic notes hold, or come from, a large part of one private note, counted exactly over all "
        "pairs; whether the release lies nearer to the notes that were learned from than to others; and whether any "
        "pair shares more than chance explains."
    )
    does_not_say: ClassVar[str] = (
        "That a release without near-duplicates is private: a single name, a rare disease told in other words, or a "
        "note changed in every fifth word is not seen. Texts of fewer words than make eight shingles are not judged; "
        "the null counts them. A DCR share of a half speaks of the average note and not of the worst."
    )

    def settings(self) -> Mapping[str, object]:
        """Everything that decides the result besides the corpora."""
        return asdict(self) | {"pooled_shares": list(self.pooled_shares)}

    def index(self, corpora: Corpora) -> NearDuplicateIndex:
        """The synthetic notes and a bounded number of hold-out notes, by their shingles."""
        return NearDuplicateIndex.of(corpora, self.width, self.reference_notes)

    def scan(self, index: NearDuplicateIndex, shard: Shard) -> NearDuplicateTally:
        """What the notes of `shard` share with every synthetic note."""
        seen = scanned(index, shard, self.width, self.least_shared, self.least_size)
        nothing = ArmTally.empty(index.synthetic.n)
        return NearDuplicateTally(seen, nothing) if shard.arm == "train" else NearDuplicateTally(nothing, seen)

    def conclude(self, index: NearDuplicateIndex, tally: NearDuplicateTally) -> Conclusion:
        """Judges; without a fair control what needs none is still told, and the status says so."""
        train, holdout = tally.train, tally.holdout
        if index.synthetic.n == 0 or len(train.containment) == 0:
            return Conclusion("inconclusive", "There are no synthetic notes, or no private notes of train, to compare.")
        metrics, control = _contained(train, index), {}
        null: dict[str, object] = {
            "notes_too_short_to_judge": bucketed(int((index.synthetic.sizes < self.least_shared).sum()))
        }
        level, p_value = None, None
        if len(holdout.containment):
            control = _contained(holdout, index)
            excess = pooled_excess(BothArms(train.containment, holdout.containment), self.pooled_shares, 1)
            level = self.decisive_level(index, tally)
            metrics |= _compared(index, tally, excess) | {"decisive": _decisive(train, level)}
            control |= {"decisive": _decisive(holdout, level)}
            null |= self._null_told(index, tally, level) | _thresholds_told(excess)
            p_value = excess.p_value
        reason = self._weakness(index, tally, level)
        return Conclusion(
            status="inconclusive" if reason else "measured",
            reason=reason,
            metrics=metrics,
            control=control,
            p_value=p_value,
            null={**null, **told_power(len(tally.train.containment), len(tally.holdout.containment))},
            breakdown={
                "train by containment": by_containment(train),
                "hold-out by containment": by_containment(holdout),
            },
            findings=findings_of(index, train, "train", level) + findings_of(index, holdout, "holdout", None),
        )

    def decisive_level(self, index: NearDuplicateIndex, tally: NearDuplicateTally) -> float:
        """The strength of a match from which on it is decisive."""
        return self._tail(tally).reached_by(self.alpha / _searched(index, tally))

    def _tail(self, tally: NearDuplicateTally) -> ExponentialTail:
        chance = np.concatenate([tally.holdout.chance.values, tally.train.chance.values]) / MILLION
        return ExponentialTail.fitted(chance, self.tail_quantile, self.least_scale)

    def _null_told(self, index: NearDuplicateIndex, tally: NearDuplicateTally, level: float) -> dict[str, object]:
        told = self._tail(tally).told()
        searched = round(_searched(index, tally), 1)
        sizes = {
            "whole_copy_decisive_from_shingles": self._copied_size(level, 1),
            "half_copy_decisive_from_shingles": self._copied_size(level, 2),
        }
        return {"null": _NULL, "fails": _FAILS, **told, "searched": searched, "decisive_from": round(level, 4), **sizes}

    def _copied_size(self, level: float, part: int) -> int:
        """How many telling shingles a note needs for a copy of one `part`-th of it to be decisive."""
        # Solves size / part / sqrt(max(size, least_size)) = level.
        small = part * level * sqrt(self.least_size)
        return ceil(small if small <= self.least_size else (part * level) ** 2)

    def _weakness(self, index: NearDuplicateIndex, tally: NearDuplicateTally, level: float | None) -> str:
        """Why the numbers cannot carry the judgement; empty where they can."""
        train, holdout = len(tally.train.containment), len(tally.holdout.containment)
        if reason := lacking_power(train, holdout, self.detectable):
            return reason
        if level is not None and (tally.holdout.strongest.values >= level).any():
            return (
                "A hold-out patient shares more with the release than chance explains: the generator has seen the "
                "hold-out, or text is carried between patients. A hold-out of patients that nothing saw is needed, of "
                f"about {needed_patients(train, asked_patients(train, self.detectable))} or more."
            )
        return self._too_short(index, holdout, level)

    def _too_short(self, index: NearDuplicateIndex, holdout: int, level: float | None) -> str:
        """Said where not even a whole copy of a typical note could be told."""
        typical = float(np.median(index.synthetic.sizes))
        needs = max(self.least_shared, 0 if level is None else self._copied_size(level, 1))
        if needs <= typical:
            return ""
        return (
            f"Only a copy of a note of {needs} shingles could be told from what different patients share by chance, "
            f"and the median synthetic note has {typical:.0f}. A hold-out of more than {holdout} patients would narrow "
            "chance down, if the notes are not too short for that."
        )


def _searched(index: NearDuplicateIndex, tally: NearDuplicateTally) -> float:
    """Train patients, times how many more synthetic notes they were compared with than the tail was fitted on."""
    wider = index.synthetic.n / max(1, index.reference.columns.n)
    return len(tally.train.containment) * max(1.0, wider)


def _contained(arm: ArmTally, index: NearDuplicateIndex) -> dict[str, Estimate]:
    values, n = arm.contained.values, index.synthetic.n
    largest = exact_value(float(values.max()), n, "largest over all pairs of notes, counted exactly")
    return {
        "notes_contained_50": wilson(int((values >= 0.5).sum()), n),
        "notes_contained_80": wilson(int((values >= 0.8).sum()), n),
        "max_containment": largest,
    }


def _compared(index: NearDuplicateIndex, tally: NearDuplicateTally, excess: PooledExcess) -> dict[str, Estimate]:
    arms = [(arm.nearest, draw_rank(arm.containment.patients, index.seed)) for arm in (tally.train, tally.holdout)]
    n = len(tally.train.containment) + len(tally.holdout.containment)
    method = "Fisher's exact test, one-sided, at three pooled thresholds, Holm (1979)"
    return {
        "dcr_share": distance_share(arms[0], arms[1], index.synthetic.n),
        "patients_excess": excess.residual,
        "p_value": exact_value(excess.p_value, n, method),
    }


def _decisive(arm: ArmTally, level: float) -> Estimate:
    count = int((arm.strongest.values >= level).sum())
    return exact_count(count, len(arm.containment), "synthetic notes beyond the null's level, counted, no sampling")


def _thresholds_told(excess: PooledExcess) -> dict[str, object]:
    return {"containment_thresholds": [value / MILLION for value in excess.thresholds]}
