"""Canary: does the training keep what it promises to one patient, by the only patients whom one may ask about?

Made-up notes were put into training or kept out of it by a coin. Two attacks guess the coin of each. How often they are
right is a lower bound on epsilon, whatever the accountant says; one above what is promised means that the program does
not do what is accounted for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from deidrelease.canaries.canary import Canary as PlantedNote
from deidrelease.canaries.crafting import met_in
from deidrelease.canaries.record import CANARIES, CanaryRecord, read_record
from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.privacy.stated import guarantee_in
from deidrelease.results import bucketed
from deidrelease_audits.canary.attacks import Attacks
from deidrelease_audits.canary.exposure import expected_exposure
from deidrelease_audits.canary.promise import Promise, promise_of
from deidrelease_audits.canary.reproduced import NAME, Reproduced, findings_of, search
from deidrelease_audits.canary.scores import Scores, by_the_model, by_the_text, fitted
from deidrelease_audits.statistics import clopper_pearson, exact_value

_SAFE = 8
"""So many times the fewest canaries of a side leave a side with too few once in ten thousand runs."""
_METRICS = {
    "exposure_mean": "Mean exposure of the planted canaries, in bits, by the model's loss (Carlini et al. 2019).",
    "auc": "Chance that the model remembers a planted canary better than one that was kept out; 0.5 is a coin.",
    "auc_text": "The same for an attack that has nothing but the synthetic text.",
    "tpr_at_1pct_fpr": "Share of planted canaries that the model's loss names while at most 1% of the others are.",
    "reproduced": "Share of planted canaries of which a word or an identifier stands in a synthetic note.",
    "epsilon_lower": "The largest epsilon that the guesses refute at 95%: the training lost at least as much.",
    "ceiling": "The largest epsilon that so many canaries could refute, with every guess right.",
}


@dataclass(frozen=True, slots=True)
class CanaryIndex:
    """All that is known before the synthetic notes are searched.

    Attributes:
        record: Of the run; None where no canaries were planted.
        text_scores: Of the attack by the synthetic text; (n,).
        promise: Of the training; None without differential privacy.
        seed: Of the bootstrap.
        met: Where something of a canary stands in private notes: `train`, `hold-out`; nowhere, if all is well.
    """

    record: CanaryRecord | None
    text_scores: Scores
    promise: Promise | None
    seed: int
    met: tuple[str, ...] = ()

    @property
    def canaries(self) -> tuple[PlantedNote, ...]:
        """All, planted or not."""
        return () if self.record is None else self.record.canaries


@dataclass(frozen=True, slots=True)
class Canary:
    """The audit; its fields are its settings.

    Attributes:
        order: Most words of an n-gram of the language model of the synthetic text.
        fewest: Canaries that each side needs, planted and kept out.
        confidence: Of `epsilon_lower`, over both attacks and all plans together.
        delta: At which `epsilon_lower` is stated; that of the guarantee, where it is smaller. A few hundred canaries
            refute nothing at the delta of a few hundred patients, and the same training promises more than one delta.
    """

    order: int = 5
    fewest: int = 5
    confidence: float = 0.95
    delta: float = 1e-5

    name: ClassVar[str] = NAME
    version: ClassVar[int] = 2
    arms: ClassVar[tuple[Arm, ...]] = ("synthetic",)
    cost: ClassVar[float] = 3
    derives: ClassVar[str] = "words"
    metrics: ClassVar[Mapping[str, str]] = _METRICS
    threat_model: ClassVar[str] = (
        "Someone knows a patient's whole note and asks whether it was learnt from: one who holds the adapted model, "
        "which is not released, and one who has nothing but the synthetic corpus."
    )
    says: ClassVar[str] = (
        "Two named attacks told planted notes from others at these rates. The training lost at least epsilon_lower, "
        "with 95% confidence; where that is above what it promises, there is a fault in it."
    )
    does_not_say: ClassVar[str] = (
        "That no more is lost: a bound from below says nothing against stronger attacks, and so many canaries cannot "
        "prove more than the ceiling. Canaries are made up: a patient's real, rarer or repeated words may be "
        "remembered better. Nothing of the annotator, and nothing of what else saw private notes."
    )

    def settings(self) -> Mapping[str, object]:
        """All fields."""
        return asdict(self)

    def index(self, corpora: Corpora) -> CanaryIndex:
        """Reads what the training left behind, scores every canary by the synthetic text, and looks for it in notes.

        Raises:
            ArtifactError: The run's canaries cannot be read.
            PrivacyError: The training's guarantee cannot.
        """
        folder = corpora.records.get("adapt")
        if folder is None or not (folder / CANARIES).exists():
            return CanaryIndex(None, np.empty(0), None, corpora.seed)
        record = read_record(folder / CANARIES)
        model = fitted([note.text for note in corpora.synthetic], self.order)
        promise = promise_of(guarantee_in(folder), self.delta)
        scores = by_the_text(model, record.canaries)
        return CanaryIndex(record, scores, promise, corpora.seed, _met(record, corpora))

    def scan(self, index: CanaryIndex, shard: Shard) -> Reproduced:
        """Looks for the canaries in the synthetic notes of `shard`."""
        return search(index.canaries, shard.notes)

    def conclude(self, index: CanaryIndex, tally: Reproduced) -> Conclusion:
        """Judges; a canary in the release, or a bound above the promise, is a failure and not a number."""
        record = index.record
        if record is None:
            return Conclusion("inconclusive", "No canaries were planted: set adapt.canaries and run again.")
        inserted = np.array([canary.inserted for canary in record.canaries])
        findings = findings_of(tally, record.canaries)
        few = self._too_few(record, inserted)
        attacks = None if few else self._attacks(record, index, inserted)
        wrong = _fault(index.promise, attacks) + _given_away(tally, record.canaries)
        if attacks is None or index.met:
            reasons = [*wrong, *filter(None, (few, _real(index.met)))]
            return Conclusion("failed" if wrong else "inconclusive", " ".join(reasons), findings=findings)
        n_in, n_out = attacks.sizes
        planted, kept_out = (len(tally.of(record.canaries, arm)) for arm in (True, False))
        return Conclusion(
            status="failed" if wrong else "measured",
            reason=" ".join(wrong),
            metrics={**attacks.metrics(index.seed), "reproduced": clopper_pearson(planted, n_in)},
            control={
                "exposure_mean": exact_value(expected_exposure(n_out), n_out, "mean over all ranks: no trace"),
                "reproduced": clopper_pearson(kept_out, n_out),
            },
            null=attacks.told(index.promise),
            breakdown={"canaries": {"planted": bucketed(n_in), "kept out": bucketed(n_out)}},
            findings=findings,
        )

    def _attacks(self, record: CanaryRecord, index: CanaryIndex, inserted: NDArray[np.bool_]) -> Attacks:
        scores = {"model": by_the_model(record.losses or ()), "text": index.text_scores}
        delta = self.delta if index.promise is None else index.promise.delta
        return Attacks.of(scores, inserted, self.confidence, delta)

    def _too_few(self, record: CanaryRecord, inserted: NDArray[np.bool_]) -> str:
        if record.losses is None:
            return "The training never measured its canaries: run the adapt stage again."
        if min(int(inserted.sum()), int((~inserted).sum())) >= self.fewest:
            return ""
        return (
            "Too few canaries were planted, or kept out, to tell anything: set adapt.canaries.count to "
            f"{_SAFE * self.fewest} at least."
        )


def _met(record: CanaryRecord, corpora: Corpora) -> tuple[str, ...]:
    """The training saw no note of the hold-out, so nobody could look there before."""
    arms = {"train": corpora.train, "hold-out": corpora.holdout}
    return tuple(arm for arm, notes in arms.items() if notes is not None and met_in(notes, record.canaries))


def _real(met: Sequence[str]) -> str:
    """Why nothing can be told of canaries that are not made up after all; empty where they are."""
    if not met:
        return ""
    return (
        f"Something of a canary also stands in a private note ({', '.join(met)}), so that what is remembered may be "
        "that note's. Move the run's folder adapt away and run again: other canaries are made up then. With "
        "differential privacy that training spends anew."
    )


def _fault(promise: Promise | None, attacks: Attacks | None) -> list[str]:
    """A bound above the promise, which no attack can reach on a training that keeps it; empty where there is none."""
    if promise is None or attacks is None or attacks.proved <= promise.epsilon:
        return []
    reason = (
        f"At delta {attacks.delta:.3g} the canaries refute every epsilon below {attacks.proved:.3f} with "
        f"{attacks.confidence:.0%} confidence, and by its steps the training promises {promise.epsilon:.3f} there. Its "
        "noise, clipping, sampling or unit is not what was accounted for: this is a fault of the program. Do not "
        "release; report it."
    )
    return [reason]


def _given_away(tally: Reproduced, canaries: Sequence[PlantedNote]) -> list[str]:
    """Canaries in the release, which must not be there whatever a policy says; empty where there are none."""
    reasons = []
    if tally.of(canaries, inserted=False):
        reasons.append(
            "A canary that was kept out stands in the synthetic notes: something else than the training has put it "
            "there, so canaries prove nothing here. Do not release; find out what it was."
        )
    if tally.of(canaries, inserted=True):
        reasons.append(
            "A planted canary stands in the synthetic notes: the language model gives away single notes. Do not "
            "release: adapt it with differential privacy, for fewer epochs, or on more notes, and run again."
        )
    return reasons
