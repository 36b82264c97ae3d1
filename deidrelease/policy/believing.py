"""Whether what an audit says of itself can be believed at all, before any rule looks at its numbers.

The limits of policies were chosen for these audits at these versions and settings: a `decisive` that was counted with a
laxer alpha keeps any limit, and so does a share of minus one. Whoever forges a whole result is stopped by the release's
signature and by `verify --rerun`; here it is mistakes that are kept from looking like a pass.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deidrelease.results import AuditReport, Estimate

LEAST_CONFIDENCE = 0.95
"""What an interval has to aim at, at the least: a narrower one would keep limits that the numbers do not."""
_SLACK = 1e-9
_SHARES = re.compile(
    r"p_value|auc|auc_nearest|auc_text|blind_auc|tpr_at_1pct_fpr|rate|reproduced|dcr_share|max_containment|notes_linking|label_divergence"
    r"|(?:exact|near)_duplicates|distinct_\d|notes_with_span_\d+|notes_contained_\d+|notes_beyond_calibrated"
    r"|tokens_in_spans_13|detector_recall(?:_[A-R])?|delta|cumulative_delta"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which an audit's numbers mean what policies take them for.

    Attributes:
        versions: Of the audit whose metrics mean the same.
        arms: Whose notes it scans, and cannot measure without; the synthetic ones are indexed by every audit.
        settings: That decide its numbers, with the values that the limits were chosen for.
    """

    versions: tuple[int, ...] = (1,)
    arms: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


_POOLED = {"pooled_shares": [0.01, 0.05, 0.2], "detectable": 5}
_BOTH = ("train", "holdout")
TERMS: Mapping[str, Terms] = {
    "verbatim": Terms(arms=_BOTH, settings={
        "calibration": 0.999, "alpha": 1e-6, "least_scale": 3.0, "least_span": 8, "reference_patients": 300,
        "reference_notes": 10, **_POOLED,
    }),
    "near_duplicate": Terms(arms=_BOTH, settings={
        "width": 5, "least_shared": 8, "least_size": 50, "reference_notes": 500, "tail_quantile": 0.6,
        "least_scale": 0.1, "alpha": 1e-6, **_POOLED,
    }),
    "pii_replay": Terms(versions=(1, 2), arms=_BOTH, settings={"detectable": 5, "false_positives": 0.001}),
    "linkage": Terms(arms=_BOTH, settings={"rare": 3, "detectable": 5, "sampled": 512}),
    "membership": Terms(arms=_BOTH, settings={
        "order": 5, "least_gain": 4.0, "shingle": 5, "common": 50, "detectable_auc": 0.6, "alpha": 0.05, "power": 0.8,
        "blind_patients": 1000, "permutations": 1000, "blind_confidence": 0.99,
    }),
    "diversity": Terms(arms=("synthetic", "train"), settings={"width": 5, "near": 0.8}),
    "pii_residual": Terms(arms=("synthetic", "holdout"), settings={
        "patterns": True, "min_score": 0.35, "fewest_patients": 20, "confidence": 0.95,
        "families": ["names", "places", "dates", "contacts", "numbers", "others"],
    }),
    "canary": Terms(versions=(1, 2), arms=("synthetic",), settings={
        "order": 5, "fewest": 5, "confidence": 0.95, "delta": 1e-5,
    }),
    "dp": Terms(arms=("synthetic",), settings={"tolerance": 1e-3}),
}  # fmt: skip
"""Of the audits in `metrics.KNOWN`; of those of other packages nothing is known, and their word is taken."""


def doubts(report: AuditReport) -> Iterator[str]:
    """What keeps the numbers of a measured `report` from being judged; goes on from "audit NAME"."""
    terms = TERMS.get(report.audit)
    if not report.metrics:
        yield "is measured and tells no number"
    if report.reason:
        yield "is measured and yet gives a reason why it is not"
    if terms and report.version not in terms.versions:
        yield f"is of version {report.version}, and what that measures is not known here"
    settings = terms.settings if terms else {}
    if others := sorted(name for name, value in settings.items() if report.settings.get(name) != value):
        yield f"ran with other settings than the limits were chosen for: {', '.join(others)}"
    told = report.metrics.get("p_value")
    if told is not None and report.p_value is not None and told.value != report.p_value:
        yield "tells two p-values for one test"


def disbelief(metric: str, estimate: Estimate) -> str:
    """Why `estimate` cannot be one of `metric` (`audit.name`); goes on from the number; empty where it can."""
    least, most = span_of(metric)
    reasons = (
        (not all(map(math.isfinite, (estimate.low, estimate.value, estimate.high))), "is not finite"),
        (estimate.n <= 0, "comes from nothing: its sample is empty"),
        (not _enough(estimate.confidence), f"has an interval that aims at {estimate.confidence:.3g}, not 0.95 or more"),
        (not least - _SLACK <= estimate.value <= most + _SLACK, f"does not lie between {least:g} and {most:g}"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _enough(confidence: float) -> bool:
    return LEAST_CONFIDENCE - _SLACK <= confidence <= 1 + _SLACK


def span_of(metric: str) -> tuple[float, float]:
    """Between which numbers the value of `audit.name` lies; minus and plus infinity where nothing is known."""
    audit, _, name = metric.partition(".")
    if audit not in TERMS or name in ("unique_excess", "fuzzy_excess"):
        return -math.inf, math.inf
    if name == "patients_excess":
        return -math.inf, 1.0
    return 0.0, 1.0 if _SHARES.fullmatch(name) else math.inf
