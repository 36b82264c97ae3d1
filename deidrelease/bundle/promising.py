"""Whether what a bundle promises of differential privacy can be true, by the steps that it says were taken.

Accountants give an upper bound, and are not there where a bundle is verified. A lower bound is quick and enough to find
out an epsilon that is too small (`deidrelease.privacy.least`). One that stands is not proved by it: `--rerun` has the
accountants.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deidrelease.bundle import layout
from deidrelease.bundle.evidence import Question, Read
from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import events_of, parse_guarantee
from deidrelease.privacy.least import is_too_small
from deidrelease.results import AuditReport, DpGuarantee

AUDIT = "dp"
STAGES = ("adapt", "annotator")
_POINTS = (("epsilon", "delta"), ("cumulative_epsilon", "cumulative_delta"))


def check_promises(question: Question, read: Read) -> None:
    """Every guarantee is one, no epsilon is below what its steps have told, and audit and release speak of the same."""
    findings = question.findings
    if read.release is None or read.result is None:
        findings.not_checked("differential privacy", "a release document and a result that can be read")
        return
    told = read.release.privacy.differential_privacy
    try:
        promises = {} if told is None else promises_of(told)
    except PrivacyError as error:
        findings.fail("promise", layout.RELEASE, "; ".join(problem.what for problem in error.problems))
        return
    for stage, stated in promises.items():
        if is_too_small(events_of(stated), stated.epsilon, stated.delta):
            findings.fail("promise-refuted", layout.RELEASE, _refuted(stage, stated.epsilon, stated.delta))
    report = read.result.report(AUDIT)
    for what in () if report is None or report.status != "measured" else _audited(report, promises):
        findings.fail("promise-refuted", layout.RESULT, what)


def promises_of(told: Mapping[str, Any]) -> dict[str, DpGuarantee]:
    """The guarantees in a release document, by training.

    Raises:
        PrivacyError: One is none, or the language model, which wrote the notes, has none.
    """
    if not told.keys() <= set(STAGES) or told.get("adapt") is None:
        what = "promises something of other trainings than adapt, with or without annotator"
        problem = Problem("privacy.differential_privacy", what, "ask the publisher")
        raise PrivacyError("The promise cannot be read.", [problem])
    return {stage: parse_guarantee(told[stage], stage) for stage in STAGES if told.get(stage) is not None}


def _audited(report: AuditReport, promises: Mapping[str, DpGuarantee]) -> Iterator[str]:
    """What the audit, by which a policy judges, says against the steps of all trainings together."""
    if not promises:
        yield f"{AUDIT} tells an epsilon, and the release promises none"
        return
    events: Sequence[PoissonGaussian] = [event for stated in promises.values() for event in events_of(stated)]
    for name, at in _POINTS:
        epsilon, delta = report.metrics.get(name), report.metrics.get(at)
        if epsilon is not None and delta is not None and is_too_small(events, epsilon.low, delta.high):
            yield _refuted(f"{AUDIT}.{name}", epsilon.low, delta.high)


def _refuted(who: str, epsilon: float, delta: float) -> str:
    return f"{who} states epsilon {epsilon:.4g} at delta {delta:.2g}; the steps that it was computed from tell more"
