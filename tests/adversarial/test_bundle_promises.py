"""Bundles that promise more privacy than their own steps keep: signed by the right key, whole, and yet refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.audit_results import report_of
from made.bundles import NOW, Plan, make_bundle, trust_of
from made.promises import promise

from deidrelease.auditing.result import AuditResult
from deidrelease.bundle import layout
from deidrelease.bundle.verification import Verification, verify
from deidrelease.privacy.accountant import epsilon_of_parts
from deidrelease.privacy.guarantee import events_of, guarantee_document

NUMBERS = ("epsilon", "epsilon_rdp", "epsilon_opacus")


def document(noise: float = 1.5, **changes: Any) -> dict[str, Any]:
    return {**guarantee_document(promise(noise)), **changes}


def smaller(share: float, noise: float = 1.5) -> dict[str, Any]:
    """All three numbers are told smaller, so that they agree with one another."""
    told = document(noise)
    return {**told, **{name: told[name] * share for name in NUMBERS}}


def audited(epsilon: float, delta: float = 1e-4, **more: float) -> Callable[[AuditResult], AuditResult]:
    def change(result: AuditResult) -> AuditResult:
        report = report_of("dp", {"epsilon": epsilon, "delta": delta, **more})
        return replace(result, audits=(*result.audits, report))

    return change


def verified(folder: Path, told: Any, **plan: Any) -> Verification:
    privacy = {"differential_privacy": told, "statement": "As told."}
    return verify(make_bundle(folder / "b", Plan(release={"privacy": privacy}, **plan)), trust_of(), NOW, None)


def failed(found: Verification) -> set[tuple[str, str]]:
    assert found.ok == (not found.failures)
    assert found.checks["promises"] == found.ok
    return {(failure.code, failure.where) for failure in found.failures}


def test_what_was_spent_and_is_told_verifies(tmp_path: Path) -> None:
    stated = promise(1.5)
    assert verified(tmp_path / "one", {"adapt": document(), "annotator": None}).ok
    both = epsilon_of_parts([(e, 1) for p in (stated, promise(2.0)) for e in events_of(p)], 1e-4)
    told = {"adapt": document(), "annotator": document(2.0)}
    result = audited(both, cumulative_epsilon=2 * both, cumulative_delta=1e-4)
    assert verified(tmp_path / "both", told, result=result).ok


@pytest.mark.parametrize("stage", ["adapt", "annotator"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_a_smaller_epsilon_than_its_steps_allow(tmp_path: Path, share: float, stage: str) -> None:
    told = {"adapt": document(), "annotator": document(2.0), stage: smaller(share)}
    found = verified(tmp_path, told)
    assert failed(found) == {("promise-refuted", layout.RELEASE)}
    [failure] = found.failures
    assert failure.what.startswith(f"{stage} states epsilon {promise(1.5).epsilon * share:.4g} at delta 0.0001")


def test_the_epsilon_of_a_larger_delta_told_for_a_smaller_one(tmp_path: Path) -> None:
    told = {"adapt": document(delta=1e-7), "annotator": None}
    assert failed(verified(tmp_path, told)) == {("promise-refuted", layout.RELEASE)}


def test_an_audit_that_says_less_than_the_release(tmp_path: Path) -> None:
    told = {"adapt": document(), "annotator": None}
    found = verified(tmp_path, told, result=audited(promise(1.5).epsilon / 2))
    assert failed(found) == {("promise-refuted", layout.RESULT)}


def test_an_audit_that_forgets_the_annotator(tmp_path: Path) -> None:
    told = {"adapt": document(), "annotator": document(2.0)}
    found = verified(tmp_path, told, result=audited(promise(1.5).epsilon))
    assert failed(found) == {("promise-refuted", layout.RESULT)}


def test_a_sum_over_all_runs_that_is_less_than_this_run(tmp_path: Path) -> None:
    told, epsilon = {"adapt": document(), "annotator": None}, promise(1.5).epsilon
    result = audited(epsilon, cumulative_epsilon=0.9 * epsilon, cumulative_delta=1e-4)
    assert failed(verified(tmp_path, told, result=result)) == {("promise-refuted", layout.RESULT)}


def test_an_audit_with_an_epsilon_where_the_release_promises_none(tmp_path: Path) -> None:
    found = verified(tmp_path, None, result=audited(1.0))
    assert failed(found) == {("promise-refuted", layout.RESULT)}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"adapt": None, "annotator": None},
        {"adapt": 3},
        {"adapt": {}},
        {"adapt": "document", "generate": "document"},
        {"adapt": {"sampler": "shuffled"}},
        {"adapt": {"events": []}},
        {"adapt": {"events": [{"kind": "laplace", "sampling_rate": 0.1, "noise_multiplier": 1.0, "steps": 10}]}},
        {"adapt": {"events": [{"kind": "poisson-gaussian", "sampling_rate": 0.1, "noise_multiplier": -1, "steps": 1}]}},
        {"adapt": {"epsilon_rdp": 0.5}},
        {"adapt": {"group_factor": 2}},
    ],
)
def test_a_promise_that_is_none(tmp_path: Path, told: dict[str, Any]) -> None:
    whole = {
        stage: document() if value == "document" else document(**value) if value and isinstance(value, dict) else value
        for stage, value in told.items()
    }
    assert failed(verified(tmp_path, whole)) == {("promise", layout.RELEASE)}


@pytest.mark.parametrize(("noise", "rate", "steps"), [(5e-324, 1e-300, 2**53 - 1), (1e300, 1.0, 1), (1e-200, 1.0, 10)])
def test_numbers_beyond_all_measure_end_in_an_answer(tmp_path: Path, noise: float, rate: float, steps: int) -> None:
    event = {"kind": "poisson-gaussian", "sampling_rate": rate, "noise_multiplier": noise, "steps": steps}
    found = verified(tmp_path, {"adapt": document(events=[event]), "annotator": None})
    told_nothing = noise > 1 or rate < 1
    assert found.ok is told_nothing
