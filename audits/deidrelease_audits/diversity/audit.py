"""Diversity: what a release loses against the notes it was learned from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

import numpy as np

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.diversity.label_divergence import floor, label_divergence
from deidrelease_audits.diversity.tally import ArmDiversity, DiversityTally
from deidrelease_audits.ordered import distinct_placed
from deidrelease_audits.statistics import exact_value, wilson
from deidrelease_audits.text.note_columns import NoteColumns
from deidrelease_audits.text.shingles import Places, shingles_of
from deidrelease_audits.text.tokens import picked, words_of

_METRICS = {
    "exact_duplicates": "Share of synthetic notes whose text is that of an earlier one, to the character.",
    "near_duplicates": "Share of synthetic notes of which another has the same text or a Jaccard similarity of word "
    "shingles of at least the threshold.",
    "distinct_1": "Different words for each word; the control is train at the same number of words.",
    "distinct_2": "Different pairs of words for each word; control alike.",
    "distinct_3": "Different runs of three words for each word; control alike.",
    "label_divergence": "Jensen-Shannon divergence between the entity types of the release and of train, in bits.",
    "length_q05": "Words that 5% of the synthetic notes do not exceed; the control is train.",
    "length_q50": "Median number of words; control alike.",
    "length_q95": "Words that 95% do not exceed; control alike.",
}
_CELLS = 1 << 20
_QUANTILES = {"length_q05": 0.05, "length_q50": 0.5, "length_q95": 0.95}


@dataclass(frozen=True, slots=True, eq=False)
class DiversityIndex:
    """The synthetic notes, by their shingles.

    Attributes:
        columns: Which note holds which shingle.
        places: The rows of `columns` that each note has, one note after the other; (n_held,).
        firsts: The first of each note there, and behind the last; (n + 1,).
        texts: How many notes have the text of each note, itself included; (n,).
        repeats: Notes whose text stood before.
        column_of: A note's place, by its id.
        words: Of all of them together.
        key: For the numbers of notes and patients.
        seed: Of the bootstrap.
    """

    columns: NoteColumns
    places: Places
    firsts: Places
    texts: tuple[int, ...]
    repeats: int
    column_of: Mapping[str, int]
    words: int
    key: SiteKey
    seed: int

    @classmethod
    def of(cls, corpora: Corpora, width: int) -> Self:
        """Reads the synthetic corpus."""
        release = corpora.release
        notes, texts = release.notes, [note.text for note in release.notes]
        hashes, whose = shingles_of(release, width)
        keys, places = distinct_placed(hashes)
        columns = NoteColumns.of(places, whose, len(keys), len(notes))
        firsts = np.concatenate([[0], np.cumsum(columns.sizes)])
        alike: dict[str, int] = {}
        for text in texts:
            alike[text] = alike.get(text, 0) + 1
        copies = tuple(alike[text] for text in texts)
        column_of = {note.note_id: place for place, note in enumerate(notes)}
        words, repeats = len(release.once(words_of)[0]), len(notes) - len(alike)
        return cls(columns, places, firsts, copies, repeats, column_of, words, corpora.key, corpora.seed)


@dataclass(frozen=True, slots=True)
class Diversity:
    """Compares the variety of the release with that of train; satisfies `contracts.Audit`.

    Attributes:
        width: Words of a shingle.
        near: Jaccard similarity from which on two synthetic notes are near-duplicates.
    """

    width: int = 5
    near: float = 0.8

    name: ClassVar[str] = "diversity"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("synthetic", "train")
    cost: ClassVar[float] = 1
    derives: ClassVar[str] = "words"
    metrics: ClassVar[Mapping[str, str]] = _METRICS
    threat_model: ClassVar[str] = (
        "Nobody attacks: this audit warns of a release that is poorer than the notes it stands for. A generator that "
        "repeats itself has often learned single notes by heart, so read it beside the others."
    )
    says: ClassVar[str] = (
        "How often the release repeats itself, how varied its words are beside the same amount of train, whether its "
        "entity types are mixed as in train, and whether its notes are as long."
    )
    does_not_say: ClassVar[str] = (
        "Anything of privacy: a release can be as varied as train because it is train. Nor that the notes make sense, "
        "nor that a tagger learns from them."
    )

    def settings(self) -> Mapping[str, object]:
        """Everything that decides the result besides the corpora."""
        return asdict(self)

    def index(self, corpora: Corpora) -> DiversityIndex:
        """The synthetic notes, to be compared with each other."""
        return DiversityIndex.of(corpora, self.width)

    def scan(self, index: DiversityIndex, shard: Shard) -> DiversityTally:
        """Counts the notes of `shard`, and looks for near-duplicates of those of the synthetic arm."""
        nothing = ArmDiversity.of(Shard(shard.arm, ()), index.key, index.words)
        if shard.arm != "synthetic":
            return DiversityTally(nothing, ArmDiversity.of(shard, index.key, index.words))
        near = self._near(index, shard)
        return DiversityTally(ArmDiversity.of(shard, index.key, index.words, near), nothing)

    def conclude(self, index: DiversityIndex, tally: DiversityTally) -> Conclusion:
        """Tells what was counted; needs no hold-out."""
        synthetic, train = tally.synthetic, tally.train
        if synthetic.notes == 0 or train.notes == 0:
            return Conclusion("inconclusive", "There are no synthetic notes, or none of train, to compare.")
        words = min(len(synthetic.sample), len(train.sample), index.words)
        repeats = {
            "exact_duplicates": wilson(index.repeats, synthetic.notes),
            "near_duplicates": wilson(synthetic.near, synthetic.notes),
        }
        divergence, null = _labels(synthetic, train, index.seed)
        return Conclusion(
            status="measured",
            metrics=repeats | _variety(synthetic, words) | divergence,
            control=_variety(train, words),
            null=null | {"words_compared": words},
            breakdown=_by_label(synthetic, train),
        )

    def _near(self, index: DiversityIndex, shard: Shard) -> int:
        own = np.array([index.column_of[note.note_id] for note in shard.notes], np.int64)
        step = max(64, _CELLS // max(1, index.columns.n))
        return sum(self._near_of(index, own[first : first + step]) for first in range(0, len(own), step))

    def _near_of(self, index: DiversityIndex, own: Places) -> int:
        places, firsts = picked(index.places, index.firsts, own)
        rows = np.repeat(np.arange(len(own)), np.diff(firsts))
        shared = index.columns.shared(rows, places, len(own)).astype(np.float64)
        either = index.columns.sizes[own][:, None] + index.columns.sizes[None, :] - shared
        similarity = shared / np.maximum(either, 1)
        similarity[np.arange(len(own)), own] = 0
        # Notes too short for a shingle can still be alike to the character.
        alike = np.array(index.texts)[own] > 1
        return int(((similarity >= self.near).any(axis=1) | alike).sum())


def _variety(arm: ArmDiversity, words: int) -> dict[str, Estimate]:
    method = f"counted in {words} words of notes drawn by keyed number (Li et al. 2016)"
    told = {f"distinct_{n}": exact_value(arm.sample.distinct(n, words), words, method) for n in (1, 2, 3)}
    for name, quantile in _QUANTILES.items():
        told[name] = exact_value(arm.length_quantile(quantile), arm.notes, "words of the notes, counted, no sampling")
    return told


def _labels(synthetic: ArmDiversity, train: ArmDiversity, seed: int) -> tuple[dict[str, Estimate], dict[str, object]]:
    """The divergence, and what it would be by chance; neither where an arm has no span."""
    names = sorted(set(synthetic.labels) | set(train.labels))
    if not synthetic.labels or not train.labels:
        return {}, {"label_divergence": "not measured: the notes of an arm, or of both, have no spans"}
    counts = synthetic.by_group(names), train.by_group(names)
    mean, high = floor(*counts, seed)
    null = {
        "label_divergence_floor": round(mean, 6),
        "label_divergence_floor_95": round(high, 6),
        "floor": "Mean and 95% point of the divergence if both had the same mix: patient groups dealt out anew. The "
        "estimate and its interval are not lowered by it.",
    }
    return {"label_divergence": label_divergence(*counts, seed)}, null


def _by_label(synthetic: ArmDiversity, train: ArmDiversity) -> dict[str, dict[str, str]]:
    """Spans by the labels that the release itself has; what only train has is told as one."""
    others = sum(int(counts.sum()) for name, counts in train.labels.items() if name not in synthetic.labels)
    ours = {name: bucketed(int(counts.sum())) for name, counts in sorted(synthetic.labels.items())}
    theirs = {name: bucketed(int(train.labels[name].sum())) if name in train.labels else "0" for name in ours}
    return {
        "synthetic spans by label": ours,
        "train spans by label": theirs | {"labels not in the release": bucketed(others)},
    }
