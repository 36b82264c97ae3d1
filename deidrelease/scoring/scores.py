"""The scores of a tagger, and the difference of two taggers' scores, as plain values.

Nothing here holds text, values or patient ids: what leaves this module may stand in a report.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from deidrelease.notes import Note, Span
from deidrelease.results import Estimate
from deidrelease.scoring.bootstrap import Resampling, estimate_differences, estimate_ratios
from deidrelease.scoring.measures import OVERALL, PER_LABEL, Ratio, RatioParts
from deidrelease.scoring.tallies import Columns, Counts, PatientTallies, Scorer, tally_patients

Estimates = Mapping[str, Estimate | None]

# What the gold notes alone decide: these must be equal if two taggers were scored on the same notes.
_GOLD_COUNTS: tuple[Mapping[str, int], ...] = ({"notes": 1}, {"sentences": 1}, {"characters": 1}, {"unseen": 1})
_GOLD_COUNTS_BY_LABEL: tuple[Mapping[str, int], ...] = (
    {"strict_tp": 1, "strict_fn": 1},
    {"token_tp": 1, "token_fn": 1},
)


@dataclass(frozen=True, slots=True)
class LabelScores:
    """The scores of one label; None where a score is undefined (such as precision where nothing was predicted).

    Attributes:
        strict_precision: Share of predicted mentions that are gold mentions: same start, end and label.
        strict_recall: Share of gold mentions that were predicted so.
        strict_f1: Their harmonic mean.
        token_f1: F1 over tokens.
        support: Gold mentions.
    """

    strict_precision: Estimate | None
    strict_recall: Estimate | None
    strict_f1: Estimate | None
    token_f1: Estimate | None
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one tagger on one test set.

    Attributes:
        overall: The names of `measures.OVERALL`, micro-averaged over labels; None where undefined. `exposed_mentions`
            and `leak_score` are better when lower, all others when higher. `leak_score` is missed mentions (strict
            false negatives) per sentence and may exceed 1.
        per_label: Every label of the scorer, in its order.
        notes: Notes scored.
        patients: Patients scored.
        mentions: Gold mentions.
        sentences: Sentences of the scored notes, by `texts.count_sentences`.
        unseen_mentions: Gold mentions whose (label, value) was not among the training values.
    """

    overall: Estimates
    per_label: Mapping[str, LabelScores]
    notes: int
    patients: int
    mentions: int
    sentences: int
    unseen_mentions: int


def score(
    gold_notes_and_predictions: Iterable[tuple[Note, Sequence[Span]]],
    scorer: Scorer,
    seed: int,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Scores:
    """Scores predictions against gold, with intervals over patients; reads the notes once, one at a time.

    Raises:
        ValueError: As `Scorer.tally` and `Resampling`.
    """
    return summarise(tally_patients(gold_notes_and_predictions, scorer), seed, n_resamples, confidence)


def summarise(tallies: PatientTallies, seed: int, n_resamples: int = 1000, confidence: float = 0.95) -> Scores:
    """Turns the tallies of a test set into scores; see `score`."""
    wanted = _wanted(tallies.labels, PER_LABEL)
    estimates = estimate_ratios(RatioParts.of(tallies, wanted), Resampling(seed, n_resamples, confidence))
    rows = iter(estimates[len(OVERALL) :])
    total = tallies.total()
    support = {label: total.total("strict_tp", label) + total.total("strict_fn", label) for label in tallies.labels}
    return Scores(
        overall=dict(zip(OVERALL, estimates[: len(OVERALL)], strict=True)),
        per_label={
            label: LabelScores(**{name: next(rows) for name in PER_LABEL}, support=support[label])
            for label in tallies.labels
        },
        notes=total.total("notes"),
        patients=len(tallies.patients),
        mentions=sum(support.values()),
        sentences=total.total("sentences"),
        unseen_mentions=total.total("unseen"),
    )


def compare(
    a: PatientTallies, b: PatientTallies, seed: int, n_resamples: int = 1000, confidence: float = 0.95
) -> Mapping[str, Estimate | None]:
    """Scores of `a` minus scores of `b` on the same notes, paired: both are resampled with the same patients.

    Returns:
        By the names of `measures.OVERALL`, then `strict_f1[LABEL]` for every label; None where either is undefined.

    Raises:
        ValueError: The two were not scored on the same notes, by patient and in the same order, or not with the same
            labels and training values.
    """
    if a.labels != b.labels or a.patients != b.patients or not np.array_equal(_gold_side(a), _gold_side(b)):
        raise ValueError("the taggers were not scored on the same notes, labels and training values, in the same order")
    wanted = _wanted(a.labels, {"strict_f1": PER_LABEL["strict_f1"]})
    names = [*OVERALL, *(f"strict_f1[{label}]" for label in a.labels)]
    how = Resampling(seed, n_resamples, confidence)
    found = estimate_differences(RatioParts.of(a, wanted), RatioParts.of(b, wanted), how)
    return dict(zip(names, found, strict=True))


def as_dict(scores: Scores) -> dict[str, object]:
    """Plain dictionaries, numbers and strings, ready for `json.dumps(..., allow_nan=False)`."""
    return asdict(scores)


def estimates_as_dict(estimates: Estimates) -> dict[str, object]:
    """What `compare` returns, ready for `json.dumps(..., allow_nan=False)`."""
    return {name: None if estimate is None else asdict(estimate) for name, estimate in estimates.items()}


def _wanted(labels: Sequence[str], per_label: Mapping[str, Ratio]) -> list[tuple[Ratio, str | None]]:
    """Every overall ratio, then those of each label in turn."""
    overall: list[tuple[Ratio, str | None]] = [(ratio, None) for ratio in OVERALL.values()]
    return overall + [(ratio, label) for label in labels for ratio in per_label.values()]


def _gold_side(tallies: PatientTallies) -> Counts:
    """Counts that no prediction changes; shape (n_counts, n_patients)."""
    columns = Columns(tallies.labels)
    keys: list[tuple[Mapping[str, int], str | None]] = [(terms, None) for terms in _GOLD_COUNTS]
    keys += [(terms, label) for terms in _GOLD_COUNTS_BY_LABEL for label in tallies.labels]
    sums = [
        tallies.matrix[:, [c for name in terms for c in columns.of(name, label)]].sum(axis=1) for terms, label in keys
    ]
    return np.vstack(sums)
