"""Which metrics there are to bound: a misspelt one is refused when a policy is read, not on the day it counts.

The table spares `verify` and `gate` the import of the audits, and of numpy with them; a test holds it to the audits.
Audits of other packages are asked only where a policy names one.
"""

from collections.abc import Mapping

from deidrelease.labels import HIPAA_CLASSES

_LETTERS = tuple(HIPAA_CLASSES)
KNOWN: Mapping[str, tuple[str, ...]] = {
    "verbatim": (
        "longest_span_tokens", "longest_span_tokens_raw", "notes_with_span_8", "notes_with_span_13",
        "notes_with_span_25", "notes_with_span_50", "tokens_in_spans_13", "calibrated_length",
        "notes_beyond_calibrated", "patients_excess", "p_value", "decisive",
    ),
    "near_duplicate": (
        "notes_contained_50", "notes_contained_80", "max_containment", "dcr_share", "patients_excess", "p_value",
        "decisive",
    ),
    "pii_replay": (
        "unique_identifiers", "unique_excess", "fuzzy_identifiers", "fuzzy_excess", "rate", "patients_excess",
        "p_value", "flagged_classes", "rarity_bits", "decisive",
    ),
    "linkage": (
        "same_patient_pairs", "notes_linking", "unique_combinations", "patients_excess", "p_value", "decisive",
    ),
    "pii_residual": (
        "hits_per_1k_tokens", *(f"hits_per_1k_tokens_{letter}" for letter in _LETTERS), "untagged_hits",
        "untagged_hits_per_1k_tokens", "detector_recall", *(f"detector_recall_{letter}" for letter in _LETTERS),
        "upper_rate", *(f"upper_rate_{kind}" for kind in ("names", "places", "dates", "contacts", "numbers", "others")),
    ),
    "membership": ("auc", "auc_nearest", "tpr_at_1pct_fpr", "p_value", "blind_auc"),
    "diversity": (
        "exact_duplicates", "near_duplicates", "distinct_1", "distinct_2", "distinct_3", "label_divergence",
        "length_q05", "length_q50", "length_q95",
    ),
    "canary": (
        "exposure_mean", "auc", "auc_text", "tpr_at_1pct_fpr", "reproduced", "epsilon_lower", "ceiling",
    ),
    "dp": ("epsilon", "delta", "cumulative_epsilon", "cumulative_delta"),
}  # fmt: skip


def unknown_audit(audit: str) -> tuple[str, str] | None:
    """What is wrong with the name of an audit, and the nearest that there is; None where nothing is."""
    if audit in KNOWN or audit in _others():
        return None
    return f"there is no audit {audit}", _nearest(audit, (*KNOWN, *_others()))


def unknown_metric(metric: str) -> tuple[str, str] | None:
    """What is wrong with `audit.metric`, and the nearest that there is; None where nothing is."""
    audit, _, name = metric.partition(".")
    if problem := unknown_audit(audit):
        return problem
    names = KNOWN[audit] if audit in KNOWN else _others()[audit]
    if name in names:
        return None
    return f"the audit {audit} has no metric {name}", _nearest(name, names)


def _others() -> Mapping[str, tuple[str, ...]]:
    """Of the audits that other packages register; they are imported only when asked for."""
    from importlib.metadata import entry_points

    from deidrelease.contracts import ENTRY_POINTS, installed_audits

    if all(point.name in KNOWN for point in entry_points(group=ENTRY_POINTS)):
        return {}
    return {name: tuple(made.metrics) for name, made in installed_audits().items() if name not in KNOWN}


def _nearest(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names))}"
