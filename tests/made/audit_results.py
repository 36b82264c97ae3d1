"""Results of audits as documents, from a few numbers: what a gate reads, without an audit having run."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from deidrelease.auditing.result import AuditResult, CorpusFacts
from deidrelease.policy.believing import TERMS
from deidrelease.results import AuditReport, Estimate, Status

DIGEST = hashlib.sha256(b"synthetic").hexdigest()
Spread = tuple[float, float, float]


def estimate_of(number: float | Spread) -> Estimate:
    """`number` as an exact one, or low, value and high."""
    low, value, high = number if isinstance(number, tuple) else (number, number, number)
    return Estimate(value, low, high, 0.95, 40, "made for a test")


def report_of(
    audit: str, metrics: Mapping[str, float | Spread], status: Status = "measured", reason: str = ""
) -> AuditReport:
    return AuditReport(
        audit=audit, version=1, status=status, reason=reason, threat_model="Somebody reads.",
        metrics={name: estimate_of(number) for name, number in metrics.items()},
        control={}, p_value=None, null={}, breakdown={}, seed=0,
        settings=TERMS[audit].settings if audit in TERMS else {},
        says="What was counted.", does_not_say="Why.",
    )  # fmt: skip


def result_of(*reports: AuditReport, scanned: int = 10, total: int = 10, arms: tuple[str, ...] = ()) -> AuditResult:
    facts = {
        "synthetic": CorpusFacts(DIGEST, False, 4, 4),
        "train": CorpusFacts(hashlib.sha256(b"train").hexdigest(), True, 4, 3),
        "holdout": CorpusFacts(hashlib.sha256(b"holdout").hexdigest(), True, 2, 2),
    }
    corpora = {arm: facts[arm] for arm in arms or facts}
    return AuditResult("0", 0, {"language": "es"}, corpora, scanned, total, reports, {})


def clean_result() -> AuditResult:
    """A small one that `POLICY` passes."""
    return result_of(report_of("verbatim", {"decisive": 0}), report_of("membership", {"auc": (0.45, 0.52, 0.59)}))


def leaking_result() -> AuditResult:
    """One that `POLICY` blocks twice: a copied span, and a membership attack that works."""
    return result_of(report_of("verbatim", {"decisive": 3}), report_of("membership", {"auc": (0.71, 0.8, 0.89)}))


def write_result(result: AuditResult, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result.document(), indent=1), encoding="utf-8")
    return path


POLICY = """\
name: small
version: 1.0.0
signable: true
waivers: {max_days: 30}
rules:
  no-copy:
    metric: verbatim.decisive
    judge: value
    at_most: 0
    because: a span that no chance explains was copied from a note
    source: this product's default
    remedy: train less, or put surrogates in
    waivable: false
  no-membership:
    metric: membership.auc
    judge: low
    at_most: 0.6
    because: whoever can tell who was in the data learns something of them
    remedy: train less
  even-better:
    metric: membership.auc
    judge: value
    at_most: 0.5
    severity: warn
    because: chance is one half
    remedy: train less
"""
"""Two rules that block and one that warns; `clean_result` keeps the two and breaks the third."""
