"""Residual PII: what detectors find in the synthetic text, and what they may have missed.

A detector that finds nothing has shown nothing until it is known how much it would have found. So the same detectors
run over annotated notes of the hold-out, and hits are turned into a bound on the identifiers that may stand there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from deidrelease.contracts import Arm, Conclusion, Corpora, Finding, Shard
from deidrelease.labels import HIPAA_CLASSES
from deidrelease.results import SMALLEST_CELL, Estimate, bucketed
from deidrelease_audits.pii_residual.bounds import ResidualBounds
from deidrelease_audits.pii_residual.detectors import CLASSES, FAMILIES, DetectorChoice, class_numbers
from deidrelease_audits.pii_residual.gold_recall import GoldRecall, classes_with_mentions
from deidrelease_audits.pii_residual.hit_counts import TOTAL
from deidrelease_audits.pii_residual.scan import ResidualIndex, ResidualTally, scanned
from deidrelease_audits.statistics import exact_count


def _metric_names() -> dict[str, str]:
    per_class = {
        f"{name}_{letter}": f"{what} of class {letter} ({meaning})."
        for letter, meaning in HIPAA_CLASSES.items()
        for name, what in (
            ("hits_per_1k_tokens", "Hits per 1,000 tokens of the synthetic text,"),
            ("detector_recall", "Share of annotated hold-out mentions that hits of any class cover wholly,"),
        )
    }
    per_family = {
        f"upper_rate_{family}": f"Upper bound of the {family} (classes {', '.join(letters)}) per 1,000 tokens."
        for family, letters in FAMILIES.items()
    }
    return {
        "hits_per_1k_tokens": "Detector hits per 1,000 tokens of the synthetic text; surrogates are meant to be hit.",
        "untagged_hits": "Hits that share no character with any span that the release declares.",
        "untagged_hits_per_1k_tokens": "The same per 1,000 tokens of the synthetic text.",
        "detector_recall": "Share of annotated hold-out mentions that hits of any class cover wholly.",
        "upper_rate": "Upper bound of the identifiers per 1,000 synthetic tokens, declared or not, given the recall.",
        **per_class,
        **per_family,
    }


@dataclass(frozen=True, slots=True)
class PiiResidual:
    """The audit; its fields are its settings.

    Attributes:
        patterns: Whether Presidio's patterns look, where the language is known.
        min_score: Least score of a pattern's match.
        families: Which families `upper_rate` must bound, of `detectors.FAMILIES`.
        fewest_patients: Annotated hold-out patients below which recall is not relied on.
        confidence: Of the upper rates.
    """

    patterns: bool = True
    min_score: float = 0.35
    families: tuple[str, ...] = tuple(FAMILIES)
    fewest_patients: int = 20
    confidence: float = 0.95

    name: ClassVar[str] = "pii_residual"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("synthetic", "holdout")
    cost: ClassVar[float] = 30
    derives: ClassVar[str] = ""
    metrics: ClassVar[Mapping[str, str]] = _metric_names()
    threat_model: ClassVar[str] = (
        "Someone reads the synthetic notes, or runs a detector over them, and takes whatever looks like a name, a "
        "number, an address or a date for a real person's."
    )
    says: ClassVar[str] = (
        "These detectors, which find the stated share of annotated mentions in hold-out notes, hit this much in the "
        "synthetic text; at most the upper rate of identifiers stands there, if synthetic notes write them as real "
        "notes do. Hits are expected, since surrogates look like identifiers. An untagged hit is a value that the "
        "release does not declare, so no surrogate has taken its place for certain: a person should look at it."
    )
    does_not_say: ClassVar[str] = (
        "That the text is free of PII, or that a hit is a real person's value: pii_replay and linkage ask whose it "
        "is. Recall holds for notes like the hold-out's. The tagger that annotated the release will not find what it "
        "left out itself; patterns know no names and no places."
    )

    def __post_init__(self) -> None:
        if unknown := set(self.families) - set(FAMILIES):
            raise ValueError(f"no family of identifiers: {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")

    def settings(self) -> Mapping[str, object]:
        """All fields."""
        return {**asdict(self), "families": list(self.families)}

    def index(self, corpora: Corpora) -> ResidualIndex:
        """Chooses the detectors; nothing is read yet, for both corpora are scanned."""
        choice = DetectorChoice.of(corpora, self.patterns, self.min_score)
        return ResidualIndex(
            choice,
            choice.missing(),
            class_numbers(corpora.label_map),
            corpora.label_map is not None,
            corpora.holdout is not None,
            corpora.key,
        )

    def scan(self, index: ResidualIndex, shard: Shard) -> ResidualTally:
        """Detects in all notes of `shard`, as many at once as the detectors like."""
        return ResidualTally() if index.problem or not shard.notes else scanned(index, shard)

    def conclude(self, index: ResidualIndex, tally: ResidualTally) -> Conclusion:
        """Rates of hits, and bounds on what they may have missed where that is known."""
        if index.problem:
            return Conclusion("inconclusive", index.problem)
        if tally.hits.tokens == 0:
            return Conclusion("inconclusive", "The synthetic corpus holds no words, so there is nothing to look at.")
        problem = self._recall_unknown(index, tally)
        bounds = ResidualBounds.of(tally.hits, tally.recall, self.families, self.confidence)
        metrics = {
            **_hit_metrics(tally),
            **_recall_metrics(tally.recall),
            **({} if problem else _bound_metrics(bounds)),
        }
        if not problem and bounds.unbounded:
            problem = _unbounded(bounds.unbounded)
        control = {"hits_per_1k_tokens": tally.private.per_thousand(TOTAL)} if tally.private.tokens else {}
        return Conclusion(
            status="inconclusive" if problem else "measured",
            reason=problem,
            metrics=metrics,
            control=control,
            null=self._null(index, tally, bounds),
            breakdown=_breakdown(tally),
            findings=tuple(_finding(*hit) for hit in tally.evidence),
        )

    def _recall_unknown(self, index: ResidualIndex, tally: ResidualTally) -> str:
        """Why the recall of the detectors is not known; empty where it is."""
        need = f"it takes annotated notes of at least {self.fewest_patients} hold-out patients"
        if not index.has_holdout or not index.has_map:
            lack = "no hold-out" if not index.has_holdout else "no label map that says what its labels mean"
            return f"There is {lack}, so nobody knows what the detectors miss: {need}, and a label map."
        if (patients := tally.recall.annotated()) < self.fewest_patients:
            return f"Only {patients} hold-out patients are annotated; to know what the detectors miss, {need}."
        return ""

    def _null(self, index: ResidualIndex, tally: ResidualTally, bounds: ResidualBounds) -> Mapping[str, object]:
        left_out = [family for family in FAMILIES if family not in self.families]
        return {
            "detectors": index.choice.in_words(),
            "annotated_holdout_patients": tally.recall.annotated(),
            "families_without_bound": list(bounds.unbounded),
            "families_left_out_by_settings": left_out,
            "families_neither_annotated_nor_hit": list(bounds.unseen),
            "scatter_of_hits": tally.hits.scatter(TOTAL),
            "precision": "every hit counts as an identifier, which can only raise the bounds",
            "can_fail": "where synthetic notes write identifiers in ways that hold-out notes do not, recall there is "
            "lower than measured, and the bounds are too low",
        }


def _hit_metrics(tally: ResidualTally) -> dict[str, Estimate]:
    return {
        "hits_per_1k_tokens": tally.hits.per_thousand(TOTAL),
        **{f"hits_per_1k_tokens_{letter}": tally.hits.per_thousand(at) for at, letter in enumerate(CLASSES)},
        "untagged_hits": exact_count(int(tally.untagged.hits[TOTAL]), tally.untagged.notes),
        "untagged_hits_per_1k_tokens": tally.untagged.per_thousand(TOTAL),
    }


def _recall_metrics(recall: GoldRecall) -> dict[str, Estimate]:
    """Of all classes, and of each that is annotated often enough that its number tells nothing of anyone."""
    known = {f"detector_recall_{CLASSES[at]}": recall.recall(at) for at in classes_with_mentions(recall)}
    told = {name: share for name, share in known.items() if share.n >= SMALLEST_CELL}
    return {"detector_recall": recall.recall(TOTAL), **told} if known else {}


def _bound_metrics(bounds: ResidualBounds) -> dict[str, Estimate]:
    families = {f"upper_rate_{family}": bound for family, bound in bounds.bounded.items()}
    return families if bounds.total is None else {"upper_rate": bounds.total, **families}


def _unbounded(families: Sequence[str]) -> str:
    return (
        f"For {', '.join(families)} the detectors cannot be relied on to find any share of what is there, so no upper "
        "rate can be told: name a tagger (--tagger) trained on such notes, or annotate more hold-out patients. An "
        "audit that leaves these families out says so in its settings, and no policy believes it."
    )


def _breakdown(tally: ResidualTally) -> Mapping[str, Mapping[str, str]]:
    total, outside = int(tally.hits.hits[TOTAL]), int(tally.untagged.hits[TOTAL])
    inside = total - outside - tally.partly
    return {
        "hits_by_class": {letter: bucketed(int(tally.hits.hits[at])) for at, letter in enumerate(CLASSES)},
        "untagged_hits_by_class": {letter: bucketed(int(tally.untagged.hits[at])) for at, letter in enumerate(CLASSES)},
        "annotated_mentions_by_class": {
            letter: bucketed(int(tally.recall.mentions[:, at].sum())) for at, letter in enumerate(CLASSES)
        },
        "hits_and_declared_spans": {
            "inside": bucketed(inside),
            "partly": bucketed(tally.partly),
            "outside": bucketed(outside),
        },
        "hits_of_no_listed_class": {"all": bucketed(tally.unlisted)},
    }


def _finding(note: str, start: int, end: int, letter: str, value: str) -> Finding:
    return Finding(PiiResidual.name, f"untagged-{letter}", "match", note, start, end, value=value, arm="synthetic")
