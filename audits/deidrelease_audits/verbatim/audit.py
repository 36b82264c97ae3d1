"""Verbatim spans: what a synthetic note has word for word from a private one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.asked_power import lacking_power, told_power
from deidrelease_audits.patients import BothArms
from deidrelease_audits.pooled_excess import PooledExcess, pooled_excess
from deidrelease_audits.statistics import exact_count, exact_value, wilson
from deidrelease_audits.verbatim.findings import NAME, found_in_holdout, found_in_train
from deidrelease_audits.verbatim.index import VerbatimIndex
from deidrelease_audits.verbatim.matching import LEAST
from deidrelease_audits.verbatim.null import (
    FAILS,
    NULL,
    Incident,
    chance_tail,
    counted,
    covered,
    incidents,
    longest_by_note,
)
from deidrelease_audits.verbatim.scan import SpanTally, VerbatimTally, scanned
from deidrelease_audits.verbatim.suffixes import Small

LENGTHS = (8, 13, 25, 50)
COVERED = 13
_METRICS = {
    "longest_span_tokens": "Words of the longest span that a synthetic note shares with a private one.",
    "longest_span_tokens_raw": "The same in tokens as they stand: case, accents and punctuation count.",
    **{f"notes_with_span_{n}": f"Share of synthetic notes with a shared span of {n} words or more." for n in LENGTHS},
    "tokens_in_spans_13": "Share of the words of the synthetic notes that stand in shared spans of 13 words or more.",
    "calibrated_length": "L*: the longest shared span of all but one in a thousand hold-out patients, in words.",
    "notes_beyond_calibrated": "Share of synthetic notes that share a longer span than L* with a train note.",
    "patients_excess": "Residual share of train patients with an unusually long shared span, beyond the hold-out's.",
    "p_value": "One-sided p of that excess if the split of patients was a fair draw.",
    "decisive": "Pairs of a synthetic note and a private patient with a span that chance explains at 1e-6 at most.",
}


@dataclass(frozen=True, slots=True)
class Verbatim:
    """All maximal common token spans of synthetic and private notes; satisfies `contracts.Audit`.

    Attributes:
        calibration: Quantile of the hold-out patients' longest spans that L* is.
        alpha: Expected chance matches in the whole search, at most, for a span to be decisive.
        least_scale: Own words; the tail of chance spans is never taken to fall off faster than by e in so many.
        reference_patients: Of the hold-out, of whom pairs show what different patients share.
        reference_notes: Of each of them, at most.
        pooled_shares: Of the patients of both arms that may match, for the three thresholds of the excess.
        detectable: Matched train patients that have to be detectable at the fewest, see `asked_power`.
    """

    calibration: float = 0.999
    alpha: float = 1e-6
    least_scale: float = 3.0
    reference_patients: int = 300
    reference_notes: int = 10
    pooled_shares: tuple[float, float, float] = (0.01, 0.05, 0.2)
    detectable: int = 5

    name: ClassVar[str] = NAME
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 2
    derives: ClassVar[str] = "words"
    metrics: ClassVar[Mapping[str, str]] = _METRICS
    threat_model: ClassVar[str] = (
        "Somebody who has seen a private note, or can search for a phrase of it, reads the release and finds its words."
    )
    says: ClassVar[str] = (
        "How long the longest spans are that the release shares word for word with these private notes, all of them "
        "found; whether more train patients than hold-out patients have long ones; and whether any span is longer than "
        "chance explains."
    )
    does_not_say: ClassVar[str] = (
        "That nothing was memorised: a paraphrase, or a copy with a word changed in every seven, is not seen. Spans "
        "under eight words are not looked for; names and numbers are left to pii_replay and linkage. That the excess "
        "was not significant does not mean that there was no leak."
    )

    def settings(self) -> Mapping[str, object]:
        """Everything that decides the result besides the corpora."""
        return asdict(self) | {"pooled_shares": list(self.pooled_shares), "least_span": LEAST}

    def index(self, corpora: Corpora) -> VerbatimIndex:
        """The synthetic notes, searchable, and a sample of hold-out patients, compared with each other."""
        return VerbatimIndex.of(corpora, self.reference_patients, self.reference_notes)

    def scan(self, index: VerbatimIndex, shard: Shard) -> VerbatimTally:
        """The longest spans that the notes of `shard` share with synthetic ones."""
        seen = scanned(index, shard)
        return VerbatimTally(train=seen) if shard.arm == "train" else VerbatimTally(holdout=seen)

    def conclude(self, index: VerbatimIndex, tally: VerbatimTally) -> Conclusion:
        """Judges; without a fair control what needs none is still told, and the status says so."""
        train, holdout = tally.train, tally.holdout
        if not len(index.words) or not len(train.longest):
            return Conclusion(
                "inconclusive", "There are no words in the synthetic notes, or no notes of train to compare."
            )
        spread = _spread(index, train)
        by_note = longest_by_note(spread, index.words.index.firsts)
        theirs = _spread(index, holdout)
        by_note_theirs = longest_by_note(theirs, index.words.index.firsts)
        metrics, control = _spans(index, train, spread), {}
        null: dict[str, object] = {}
        p_value, level, beyond = None, None, LEAST - 1
        found: list[Incident] = []
        if len(holdout.longest):
            control = _spans(index, holdout, theirs)
            excess = pooled_excess(BothArms(train.longest, holdout.longest), self.pooled_shares, LEAST)
            tail = chance_tail(index, holdout, self.least_scale)
            level = tail.reached_by(self.alpha / len(train.longest))
            beyond, p_value = self._calibrated(holdout), excess.p_value
            found = incidents(index, train, level)
            metrics |= self._against(train, holdout, excess, by_note, beyond) | {
                "decisive": _decisive(found, train, level)
            }
            controls = incidents(index, holdout, level)
            control |= {
                "decisive": _decisive(controls, holdout, level),
                "notes_beyond_calibrated": _share_beyond(by_note_theirs, beyond),
            }
            null = {"null": NULL, "fails": FAILS, **tail.told(), "decisive_from_own_words": round(level, 1)}
            null |= {"searched_patients": len(train.longest), "excess_thresholds_words": list(excess.thresholds)}
        sizes = len(train.longest), len(holdout.longest)
        reason = lacking_power(*sizes, self.detectable)
        least = max(COVERED, beyond + 1)
        return Conclusion(
            status="inconclusive" if reason else "measured",
            reason=reason,
            metrics=metrics,
            control=control,
            p_value=p_value,
            null={**null, **told_power(*sizes)},
            breakdown={
                "train: synthetic notes by longest span": _binned(by_note),
                "hold-out: synthetic notes by longest span": _binned(by_note_theirs),
            },
            findings=found_in_train(index, train, spread, least, found) + found_in_holdout(index, holdout, least),
        )

    def _calibrated(self, holdout: SpanTally) -> int:
        return max(LEAST - 1, int(np.quantile(holdout.longest.values, self.calibration, method="higher")))

    def _against(
        self, train: SpanTally, holdout: SpanTally, excess: PooledExcess, by_note: Small, beyond: int
    ) -> dict[str, Estimate]:
        n, both = len(holdout.longest), len(train.longest) + len(holdout.longest)
        method = (
            f"quantile {self.calibration} (higher) of the longest spans of {n} hold-out patients; 7 stands for none"
        )
        return {
            "calibrated_length": exact_value(float(beyond), n, method),
            "notes_beyond_calibrated": _share_beyond(by_note, beyond),
            "patients_excess": excess.residual,
            "p_value": exact_value(
                excess.p_value, both, "Fisher's exact test, one-sided, at three pooled thresholds, Holm (1979)"
            ),
        }


def _spread(index: VerbatimIndex, tally: SpanTally) -> Small:
    return index.words.index.spread(tally.words.patients.astype(np.int64), tally.words.values)


def _spans(index: VerbatimIndex, tally: SpanTally, spread: Small) -> dict[str, Estimate]:
    """What needs no control."""
    n = len(index.names)
    by_note, words = longest_by_note(spread, index.words.index.firsts), len(index.words)
    told = "counted over all spans, no sampling"
    metrics = {
        "longest_span_tokens": exact_count(int(by_note.max(initial=0)), n, told),
        "longest_span_tokens_raw": exact_count(tally.raw, n, told),
        "tokens_in_spans_13": exact_value(covered(spread, COVERED) / words, words, told),
    }
    return metrics | {f"notes_with_span_{least}": wilson(int((by_note >= least).sum()), n) for least in LENGTHS}


def _share_beyond(by_note: Small, beyond: int) -> Estimate:
    return wilson(int((by_note > beyond).sum()), len(by_note))


def _decisive(found: list[Incident], tally: SpanTally, level: float) -> Estimate:
    method = "pairs of synthetic note and patient beyond the null's level, counted, no sampling"
    return exact_count(counted(found, tally.own, level), len(tally.longest), method)


def _binned(by_note: Small) -> dict[str, str]:
    names = ["under 8", "8 to 12", "13 to 24", "25 to 49", "50 and more"]
    counts = np.bincount(np.searchsorted(LENGTHS, by_note, side="right"), minlength=len(names))
    return {name: bucketed(int(count)) for name, count in zip(names, counts, strict=True)}
