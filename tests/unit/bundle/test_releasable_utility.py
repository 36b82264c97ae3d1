"""Of the evaluation leaves what speaks of ten mentions and patients, and nothing that speaks of fewer."""

import json
from typing import Any

import pytest

from deidrelease.bundle.utility import releasable_utility


def score(n: int) -> dict[str, Any]:
    return {"value": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95, "n": n, "method": "by hand"}


def tagger(**labels: tuple[int, int]) -> dict[str, Any]:
    rows = {name: {"strict_f1": score(n), "strict_precision": None, "support": support}
            for name, (support, n) in labels.items()}  # fmt: skip
    return {"overall": {"strict_f1": score(97)}, "per_label": rows, "notes": 97, "patients": 97}


def evaluation(gold: dict[str, Any], synthetic: dict[str, Any]) -> bytes:
    return json.dumps(
        {"format": "deidrelease.evaluation/1", "gold_tagger": gold, "synthetic_tagger": synthetic}
    ).encode()


def test_small_labels_stay() -> None:
    gold = tagger(DATE=(200, 90), CLINIC=(1, 1), ZIP=(30, 9), AGE=(10, 10))
    synthetic = tagger(DATE=(200, 90), CLINIC=(1, 1), ZIP=(30, 12), AGE=(10, 10))
    kept = json.loads(releasable_utility(evaluation(gold, synthetic)))
    assert list(kept["gold_tagger"]["per_label"]) == list(kept["synthetic_tagger"]["per_label"]) == ["AGE", "DATE"]
    assert kept["gold_tagger"]["overall"] == gold["overall"]


@pytest.mark.parametrize("bad", [b"[]", b"{}", b'{"gold_tagger": 1, "synthetic_tagger": 2}', b"nonsense"])
def test_what_is_no_evaluation_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"evaluation"):
        releasable_utility(bad)
