"""A policy passes what it can see and what keeps its bounds; everything else blocks."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from made.audit_results import DIGEST, report_of, result_of
from made.policies import policy_of

from deidrelease.auditing.result import AuditResult, CorpusFacts
from deidrelease.policy import Policy, decide
from deidrelease.results import Estimate, Judgement

AUC = {"metric": "membership.auc", "at_most": 0.6}


def judgement(policy: Policy, result: AuditResult, rule: str) -> Judgement:
    [found] = [each for each in decide(policy, result).judgements if each.rule == rule]
    return found


def auc(low: float, value: float, high: float) -> AuditResult:
    return result_of(report_of("membership", {"auc": (low, value, high)}))


def test_a_result_that_keeps_the_bounds_passes_and_the_verdict_says_under_what() -> None:
    policy = policy_of({"auc": AUC}, signable=True, approvals=2, statements={"b": "x", "a": "y"}, valid_days=30)
    verdict = decide(policy, auc(0.5, 0.5, 0.5))
    assert (verdict.outcome, verdict.passed, verdict.blocking, verdict.refused_waivers) == ("pass", True, (), {})
    assert (verdict.policy, verdict.policy_version, verdict.policy_sha256) == ("small", "1.0.0", policy.sha256())
    assert (verdict.signable, verdict.approvals, verdict.statements, verdict.valid_days) == (True, 2, ("a", "b"), 30)
    assert verdict.data_digest == DIGEST


@pytest.mark.parametrize(
    ("judge", "most", "least", "kept"),
    [
        ("low", 1.0, None, True), ("low", 0.9, None, False), ("value", 2.0, None, True), ("value", 1.9, None, False),
        ("high", 3.0, None, True), ("high", 2.9, None, False), ("low", None, 1.0, True), ("low", None, 1.1, False),
        ("value", None, 2.0, True), ("value", None, 2.1, False), ("high", 9.0, 3.1, False), ("high", 9.0, 3.0, True),
    ],
)  # fmt: skip
def test_bounds_are_inclusive_and_on_the_end_that_is_judged(
    judge: str, most: float | None, least: float | None, kept: bool
) -> None:
    policy = policy_of({"r": {"metric": "membership.auc", "judge": judge, "at_most": most, "at_least": least}})
    verdict = decide(policy, auc(1.0, 2.0, 3.0))
    assert verdict.outcome == ("pass" if kept else "blocked")
    assert judgement(policy, auc(1.0, 2.0, 3.0), "r").standing == ("kept" if kept else "broken")


def test_what_blocks_says_how_much_against_which_limit_why_and_what_to_do() -> None:
    policy = policy_of({"auc": {**AUC, "because": "B", "source": "S", "remedy": "R", "judge": "high"}})
    found = judgement(policy, auc(0.5, 0.55, 0.7), "auc")
    assert (found.standing, found.blocks, found.limit, found.judged) == ("broken", True, "at most 0.6", "high")
    assert found.what == "membership.auc is 0.55 [0.5, 0.7]; its upper end is judged"
    assert (found.because, found.remedy) == ("B (S)", "R")
    assert found.estimate is not None
    assert found.estimate.high == 0.7


@pytest.mark.parametrize(("most", "outcome"), [(0.0, "pass"), (-0.1, "blocked")])
def test_zero_is_a_number_like_any_other(most: float, outcome: str) -> None:
    assert decide(policy_of({"r": {**AUC, "at_most": most}}), auc(0.0, 0.0, 0.0)).outcome == outcome
    assert decide(policy_of({"r": {"metric": "membership.auc", "at_least": 0.1}}), auc(0, 0, 0)).outcome == "blocked"


def test_a_warning_is_told_and_does_not_block() -> None:
    policy = policy_of({"soft": {**AUC, "at_most": 0.1, "severity": "warn"}, "hard": AUC})
    verdict = decide(policy, auc(0.5, 0.5, 0.5))
    assert verdict.outcome == "pass"
    assert [warning.rule for warning in verdict.warnings] == ["soft"]


Change = Callable[[AuditResult], AuditResult]


def reporting(**told: Any) -> Change:
    return lambda result: replace(result, audits=(replace(result.audits[0], **told),))


def estimate(low: float, value: float, high: float) -> Change:
    return reporting(metrics={"auc": Estimate(value, low, high, 0.95, 1, "")})


EMPTY = CorpusFacts(DIGEST, False, 0, 0)
CLOSED: dict[str, tuple[Change, str]] = {
    "missing audit": (lambda r: replace(r, audits=()), "audit membership did not run"),
    "missing metric": (reporting(metrics={}), "the result has no such number"),
    "failed": (reporting(status="failed", reason="crashed"), "audit membership is failed: crashed"),
    "inconclusive": (reporting(status="inconclusive", reason="too few"), "audit membership is inconclusive: too few"),
    "an unknown status": (reporting(status="fine"), "audit membership is fine"),
    "another audit failed": (
        lambda r: replace(r, audits=(*r.audits, report_of("linkage", {}, "failed", "crashed"))),
        "audit linkage is failed: crashed",
    ),
    "an audit twice": (lambda r: replace(r, audits=r.audits * 2), "an audit stands twice"),
    "not all scanned": (lambda r: replace(r, scanned=9), "9 of 10 notes were scanned"),
    "more scanned than there are": (lambda r: replace(r, total=9), "10 of 9 notes were scanned"),
    "nothing to scan": (lambda r: replace(r, scanned=0, total=0), "0 of 0 notes"),
    "less than nothing": (lambda r: replace(r, scanned=-1, total=-1), "-1 of -1 notes"),
    "no private corpus": (lambda r: replace(r, corpora={"synthetic": r.corpora["synthetic"]}), "no train notes"),
    "no synthetic corpus": (lambda r: replace(r, corpora={"train": r.corpora["train"]}), "no synthetic notes"),
    "an empty release": (lambda r: replace(r, corpora={**r.corpora, "synthetic": EMPTY}), "no synthetic notes"),
    "no numbers at all": (estimate(-math.inf, 0.5, math.inf), "the result has no such number"),
    "a number below all": (estimate(-math.inf, -math.inf, -math.inf), "the result has no such number"),
    "an open end that nobody judges": (estimate(-math.inf, 0.5, 0.5), "the result has no such number"),
}


@pytest.mark.parametrize("severity", ["block", "warn"])
@pytest.mark.parametrize("case", sorted(CLOSED))
def test_what_cannot_be_seen_blocks_whatever_the_severity(case: str, severity: str) -> None:
    change, why = CLOSED[case]
    always = {"metric": "membership.auc", "at_least": -9.0}
    policy = policy_of({"hard": always, "soft": {**AUC, "severity": severity}})
    before = auc(0.5, 0.5, 0.5)
    assert decide(policy, before).outcome == "pass"
    verdict = decide(policy, change(before))
    assert verdict.outcome == "blocked"
    assert any(each.standing == "unjudged" and why in each.what for each in verdict.blocking), verdict.blocking


def test_not_a_number_cannot_even_be_an_estimate() -> None:
    with pytest.raises(ValueError, match="low <= value <= high"):
        Estimate(math.nan, 0.0, 1.0, 0.95, 1, "")


def test_an_audit_that_is_required_must_be_there_though_no_rule_names_it() -> None:
    policy = policy_of({"auc": AUC}, requires=["linkage"])
    assert [each.rule for each in decide(policy, auc(0.5, 0.5, 0.5)).blocking] == ["audit.linkage"]
    with_it = replace(auc(0.5, 0.5, 0.5), audits=(report_of("membership", {"auc": 0.5}), report_of("linkage", {})))
    assert decide(policy, with_it).outcome == "pass"


def test_every_audit_and_rule_gets_a_judgement_in_a_fixed_order() -> None:
    policy = policy_of({"b": AUC, "a": {**AUC, "metric": "verbatim.decisive"}}, requires=["linkage"])
    assert [each.rule for each in decide(policy, auc(0.5, 0.5, 0.5)).judgements] == [
        "result.scanned", "result.corpora", "audit.linkage", "audit.membership", "audit.verbatim", "a", "b",
    ]  # fmt: skip


def covering(by: str) -> Policy:
    classes = {letter: {"how": "looked for", "by": [by]} for letter in "ABCDEFGHIJKLMNOR"}
    return policy_of({"auc": AUC}, coverage={**classes, "P": {"how": "no text"}, "Q": {"how": "no text"}})


def test_a_class_whose_metric_is_missing_is_not_covered_and_blocks() -> None:
    assert decide(covering("membership.auc"), auc(0.5, 0.5, 0.5)).outcome == "pass"
    verdict = decide(covering("membership.p_value"), auc(0.5, 0.5, 0.5))
    assert {each.rule for each in verdict.blocking} == {f"coverage.{letter}" for letter in "ABCDEFGHIJKLMNOR"}
    assert "class A, names: membership.p_value is not there" in verdict.blocking[0].what


def test_coverage_of_seventeen_classes_is_no_coverage() -> None:
    told = covering("membership.auc").model_dump()
    for letter, wanted in (("R", "leaves out R"), ("P", "leaves out P")):
        without = {**told, "coverage": {name: each for name, each in told["coverage"].items() if name != letter}}
        with pytest.raises(ValueError, match=wanted):
            Policy.model_validate(without)
    bare = {**told, "coverage": {**told["coverage"], "A": {"how": "somehow", "by": []}}}
    with pytest.raises(ValueError, match="names no metric for A"):
        Policy.model_validate(bare)


def test_equal_arguments_give_an_equal_verdict_and_change_nothing() -> None:
    policy, result = policy_of({"auc": AUC}), auc(0.5, 0.5, 0.7)
    before = policy.canonical(), result.document()
    assert decide(policy, result) == decide(policy, result)
    assert (policy.canonical(), result.document()) == before
