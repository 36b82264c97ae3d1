"""What of the evaluation may leave: scores over the whole hold-out, and of a label only where enough carry it.

The run's own file has a row for every label, one that stands once in the hold-out included; a reader could tell from it
that a single patient had something.
"""

from typing import Any

from deidrelease.results import SMALLEST_CELL
from deidrelease.signing.strict_json import canonical, parse_strict

_TAGGERS = ("gold_tagger", "synthetic_tagger")


def releasable_utility(evaluation: bytes) -> bytes:
    """The evaluation's document without the labels of fewer than ten mentions or patients, as canonical JSON.

    Raises:
        ValueError: It is no evaluation.
    """
    document = parse_strict(evaluation, "the evaluation")
    try:
        kept = set.intersection(*({*_large(document[tagger]["per_label"])} for tagger in _TAGGERS))
        for tagger in _TAGGERS:
            rows = document[tagger]["per_label"]
            document[tagger]["per_label"] = {label: rows[label] for label in sorted(kept)}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("is no evaluation of this version") from None
    return canonical(document)


def _large(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Labels whose every number speaks of enough mentions and patients."""
    return [
        label
        for label, row in rows.items()
        if row["support"] >= SMALLEST_CELL
        and all(score["n"] >= SMALLEST_CELL for name, score in row.items() if name != "support" and score is not None)
    ]
