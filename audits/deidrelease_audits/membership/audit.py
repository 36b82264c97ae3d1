"""Membership: does the synthetic corpus alone tell who was in train?

Two attacks score every private patient from the synthetic text, without the generator: what a language model of that
text gains on the patient's words, and how much of a note stands in its nearest synthetic note. If train patients score
above hold-out patients, the release tells who was there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

import numpy as np

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.attack_statistics import (
    alarms_realised,
    detectable_auc,
    mann_whitney_p,
    needed_holdout,
    rate_at_few_alarms,
    threshold,
)
from deidrelease_audits.membership.attack_scores import GRAIN, AttackScores
from deidrelease_audits.membership.blind_bags import BlindBags
from deidrelease_audits.membership.blind_classifier import FOLDS, BlindResult, tell_apart
from deidrelease_audits.membership.shingle_neighbours import ShingleIndex
from deidrelease_audits.patients import patient_number
from deidrelease_audits.statistics import auc_estimate, exact_value, holm
from deidrelease_audits.text.ngram_model import NgramModel
from deidrelease_audits.text.tokens import words_of

FALSE_ALARMS = 0.01


@dataclass(frozen=True, slots=True)
class MembershipIndex:
    """The synthetic corpus as the attacks use it.

    Attributes:
        model: Fitted on all synthetic notes.
        shingles: Of all synthetic notes.
        key: Numbers the patients.
        seed: Of bootstrap, folds and permutations.
    """

    model: NgramModel
    shingles: ShingleIndex
    key: SiteKey
    seed: int


@dataclass(frozen=True, slots=True)
class MembershipTally:
    """Scores of all patients, and bags of words of some, arm by arm."""

    train: AttackScores
    holdout: AttackScores
    train_bags: BlindBags
    holdout_bags: BlindBags

    def __add__(self, other: Self) -> Self:
        """Each with its like."""
        return type(self)(
            self.train + other.train,
            self.holdout + other.holdout,
            self.train_bags + other.train_bags,
            self.holdout_bags + other.holdout_bags,
        )

    def shared(self) -> int:
        """Patients who stand in both arms."""
        return len(np.intersect1d(self.train.patients, self.holdout.patients))


@dataclass(frozen=True, slots=True)
class Membership:
    """The audit; its fields are its settings.

    Attributes:
        order: Most words of an n-gram of the language model.
        least_gain: Nats that context must gain on a word before it counts: 4 is to make it 55 times as likely.
        shingle: Words of a shingle.
        common: Shingles that more synthetic notes than this hold are the form's, and tell nothing.
        detectable_auc: The AUC that must not go unseen.
        alpha: Level of the test behind that.
        power: Chance to see it.
        blind_patients: Most patients of an arm that the blind classifier looks at.
        permutations: Behind the blind classifier's null.
        blind_confidence: Of its interval; a fair split fails by chance once in 1 / (1 - blind_confidence) audits.
    """

    order: int = 5
    least_gain: float = 4.0
    shingle: int = 5
    common: int = 50
    detectable_auc: float = 0.6
    alpha: float = 0.05
    power: float = 0.8
    blind_patients: int = 1000
    permutations: int = 1000
    blind_confidence: float = 0.99

    name: ClassVar[str] = "membership"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 7
    derives: ClassVar[str] = "words"
    metrics: ClassVar[Mapping[str, str]] = {
        "auc": "Chance that the language-model attack scores a train patient above a hold-out patient; 0.5 is no "
        "better than a coin.",
        "auc_nearest": "The same for the attack by the nearest synthetic note.",
        "tpr_at_1pct_fpr": "Share of train patients whom the language-model attack names while it wrongly names at "
        "most 1% of the hold-out patients.",
        "p_value": "Smaller p of the two attacks, after Holm, that train scores no higher than the hold-out.",
        "blind_auc": "The same chance for a classifier that never sees the synthetic text; away from 0.5 the split is "
        "no fair draw and the audit proves nothing.",
    }
    threat_model: ClassVar[str] = (
        "Someone holds the synthetic corpus, nothing of the generator, and a patient's real notes, and asks whether "
        "this patient was among those the generator learnt from."
    )
    says: ClassVar[str] = (
        "Two named attacks reached these rates on patients who were drawn at random into train and hold-out. Rates "
        "above those of chance are a lower bound on what the release tells about who was in train."
    )
    does_not_say: ClassVar[str] = (
        "That no one can be found out. Both attacks are simple; one with a reference corpus, with the generator or "
        "with other knowledge of a patient can do better, and an average near 0.5 can hide a few patients who stand "
        "out. An AUC near 0.5 is no proof of privacy."
    )

    def settings(self) -> Mapping[str, object]:
        """All fields."""
        return asdict(self)

    def index(self, corpora: Corpora) -> MembershipIndex:
        """Fits the language model, and notes which synthetic notes hold which shingle."""
        tokens, first = corpora.release.once(words_of)
        model = NgramModel.fit(tokens.codes, first, self.order)
        shingles = ShingleIndex.of(tokens.codes, first, self.shingle, self.common)
        return MembershipIndex(model, shingles, corpora.key, corpora.seed)

    def scan(self, index: MembershipIndex, shard: Shard) -> MembershipTally:
        """Scores the notes of `shard`, all at once."""
        tokens, first = shard.once(words_of)
        patients = [patient_number(index.key, note.patient_id) for note in shard.notes]
        given, alone = index.model.surprise(tokens.codes, first)
        gained = np.rint(np.maximum(alone - given - self.least_gain, 0) * GRAIN).astype(np.int64)
        sums = np.concatenate([[0], np.cumsum(gained)])
        nearest = index.shingles.nearest(tokens.codes, first)
        scores = AttackScores.of(patients, np.diff(first), sums[first[1:]] - sums[first[:-1]], nearest)
        bags = BlindBags.of(self.blind_patients, patients, tokens.codes, first)
        if shard.arm == "train":
            return MembershipTally(scores, AttackScores(), bags, BlindBags(self.blind_patients))
        return MembershipTally(AttackScores(), scores, BlindBags(self.blind_patients), bags)

    def conclude(self, index: MembershipIndex, tally: MembershipTally) -> Conclusion:
        """Tests both attacks, after asking whether the split and the numbers can carry a test."""
        missing = self._missing(index, tally)
        if missing:
            return Conclusion("inconclusive", missing)
        blind = self._blind(index, tally)
        unfair = self._unfair(tally, blind)
        problems = [*unfair, *self._too_few(tally)]
        measured = _Attacks.of(index, tally)
        metrics = {**measured.metrics(), **({"blind_auc": blind.auc} if blind else {})}
        return Conclusion(
            "inconclusive" if problems else "measured",
            " ".join(problems),
            metrics,
            {"tpr_at_1pct_fpr": alarms_realised(tally.holdout.gain(), FALSE_ALARMS)},
            None if unfair else measured.p_value,
            self._null(tally, blind),
            {"patients_above_threshold": measured.above()},
        )

    def _missing(self, index: MembershipIndex, tally: MembershipTally) -> str:
        """Why nothing can be measured at all; empty where something can."""
        if index.model.tokens == 0:
            return "The synthetic corpus holds no words, so there is nothing to attack."
        if len(tally.train) == 0:
            return "There are no train patients."
        if len(tally.holdout) == 0:
            return f"There is no hold-out: nothing here can be told without one. {self._size_asked(tally)}"
        return ""

    def _too_few(self, tally: MembershipTally) -> list[str]:
        found = detectable_auc(len(tally.train), len(tally.holdout), self.alpha, self.power)
        if found <= self.detectable_auc:
            return []
        return [
            f"{len(tally.holdout)} hold-out patients find an AUC of {found:.2f} at best. {self._size_asked(tally)}",
        ]

    def _size_asked(self, tally: MembershipTally) -> str:
        asked = f"To see an AUC of {self.detectable_auc} with chance {self.power} at level {self.alpha}"
        needed = needed_holdout(len(tally.train), self.detectable_auc, self.alpha, self.power)
        if needed is None:
            return f"{asked}, {len(tally.train)} train patients are too few, whatever the hold-out."
        return f"{asked}, beside {len(tally.train)} train patients it takes {needed} hold-out patients."

    def _blind(self, index: MembershipIndex, tally: MembershipTally) -> BlindResult | None:
        if min(len(tally.train_bags.patients), len(tally.holdout_bags.patients)) < FOLDS:
            return None
        return tell_apart(tally.train_bags, tally.holdout_bags, index.seed, self.permutations, self.blind_confidence)

    def _unfair(self, tally: MembershipTally, blind: BlindResult | None) -> list[str]:
        """Why the split cannot be taken for a fair draw of patients."""
        reasons = []
        if tally.shared():
            reasons.append(f"{tally.shared()} patients stand in train and in the hold-out: split by patient.")
        if blind is None:
            reasons.append(f"An arm has fewer than {FOLDS} patients, so the split cannot be checked.")
        elif not blind.holds_half:
            reasons.append(
                f"The split is not random: a classifier that never saw the synthetic text tells train from hold-out "
                f"with AUC {blind.auc.value:.2f}. Draw the hold-out patients at random before anything is trained."
            )
        return reasons

    def _null(self, tally: MembershipTally, blind: BlindResult | None) -> Mapping[str, object]:
        train, holdout = len(tally.train), len(tally.holdout)
        few = "" if holdout * FALSE_ALARMS >= 1 else "; with fewer than 100 the rate is that at none above"
        return {
            "null": "patients were drawn at random into train and hold-out, so scores of both come from one population",
            "train_patients": train,
            "holdout_patients": holdout,
            "smallest_auc_found": detectable_auc(train, holdout, self.alpha, self.power),
            "smallest_false_alarm_rate": 1 / holdout,
            "false_alarm_rate": f"{int(holdout * FALSE_ALARMS)} of {holdout} hold-out patients may lie above{few}",
            "blind_p_value": blind.p_value if blind else 1.0,
            "can_fail": "where the split is not by patient and at random, in a way the blind classifier cannot see: "
            "copied-forward text or family members on both sides pull the AUC towards 0.5",
        }


@dataclass(frozen=True, slots=True)
class _Attacks:
    """Both attacks, judged.

    Attributes:
        tally: Of all patients.
        seed: Of the bootstrap.
        p_value: Smaller of the two, after Holm.
    """

    tally: MembershipTally
    seed: int
    p_value: float

    @classmethod
    def of(cls, index: MembershipIndex, tally: MembershipTally) -> Self:
        adjusted = holm(
            {
                "gain": mann_whitney_p(tally.train.gain(), tally.holdout.gain()),
                "nearest": mann_whitney_p(tally.train.containment(), tally.holdout.containment()),
            }
        )
        return cls(tally, index.seed, min(adjusted.values()))

    def metrics(self) -> dict[str, Estimate]:
        train, holdout = self.tally.train, self.tally.holdout
        method = "smaller of two rank-sum p-values, Holm (1979)"
        return {
            "auc": auc_estimate(train.gain(), holdout.gain(), self.seed),
            "auc_nearest": auc_estimate(train.containment(), holdout.containment(), self.seed),
            "tpr_at_1pct_fpr": rate_at_few_alarms(train.gain(), holdout.gain(), FALSE_ALARMS, self.seed),
            "p_value": exact_value(self.p_value, len(train) + len(holdout), method),
        }

    def above(self) -> dict[str, str]:
        """Patients of each arm above the threshold of few false alarms."""
        theirs = self.tally.holdout.gain()
        least = threshold(theirs, int(FALSE_ALARMS * len(theirs)))
        arms = {"train": self.tally.train.gain(), "holdout": theirs}
        return {arm: bucketed(int((scores > least).sum())) for arm, scores in arms.items()}
