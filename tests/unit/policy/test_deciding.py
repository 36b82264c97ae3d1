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
from deidrelease.policy.believing import TERMS, span_of
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
        ("low", 0.1, None, True), ("low", 0.09, None, False), ("value", 0.2, None, True), ("value", 0.19, None, False),
        ("high", 0.3, None, True), ("high", 0.29, None, False), ("low", None, 0.1, True), ("low", None, 0.11, False),
        ("value", None, 0.2, True), ("value", None, 0.21, False), ("high", 9, 0.31, False), ("high", 9, 0.3, True),
    ],
)  # fmt: skip
def test_bounds_are_inclusive_and_on_the_end_that_is_judged(
    judge: str, most: float | None, least: float | None, kept: bool
) -> None:
    policy = policy_of({"r": {"metric": "membership.auc", "judge": judge, "at_most": most, "at_least": least}})
    verdict = decide(policy, auc(0.1, 0.2, 0.3))
    assert verdict.outcome == ("pass" if kept else "blocked")
    assert judgement(policy, auc(0.1, 0.2, 0.3), "r").standing == ("kept" if kept else "broken")


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


def exact(value: float, n: int = 40, confidence: float = 0.95) -> Estimate:
    return Estimate(value, value, value, confidence, n, "")


def without(result: AuditResult, arm: str) -> AuditResult:
    return replace(result, corpora={name: facts for name, facts in result.corpora.items() if name != arm})


SETTINGS = TERMS["membership"].settings
EMPTY = CorpusFacts(DIGEST, False, 0, 0)
CLOSED: dict[str, tuple[Change, str]] = {
    "missing audit": (lambda r: replace(r, audits=()), "audit membership did not run"),
    "missing metric": (reporting(metrics={"x": exact(0.5)}), "the result has no such number"),
    "no metric at all": (reporting(metrics={}), "audit membership is measured and tells no number"),
    "a version to come": (reporting(version=2), "is of version 2, and what that measures is not known here"),
    "no version": (reporting(version=0), "is of version 0"),
    "a laxer setting": (reporting(settings={**SETTINGS, "power": 0.1}), "ran with other settings than the limits"),
    "a setting that nobody tells": (reporting(settings={}), "were chosen for: alpha, blind_confidence"),
    "measured and not": (reporting(reason="too few"), "is measured and yet gives a reason why it is not"),
    "a private digest without a key": (
        lambda r: replace(r, corpora={**r.corpora, "train": replace(r.corpora["train"], keyed=False)}),
        "is not keyed",
    ),
    "two p-values": (
        reporting(p_value=0.001, metrics={"auc": exact(0.5), "p_value": exact(0.9)}),
        "tells two p-values for one test",
    ),
    "more than all": (estimate(1.1, 1.1, 1.1), "1.1 does not lie between 0 and 1"),
    "fewer than none": (estimate(-0.1, -0.1, 0.5), "-0.1 [-0.1, 0.5] does not lie between 0 and 1"),
    "of nobody": (reporting(metrics={"auc": exact(0.5, n=0)}), "0.5 comes from nothing"),
    "an interval that aims low": (
        reporting(metrics={"auc": exact(0.5, confidence=0.5)}),
        "an interval that aims at 0.5",
    ),
    "more than certain": (reporting(metrics={"auc": exact(0.5, confidence=1.5)}), "an interval that aims at 1.5"),
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
    "fewer counted than there are": (lambda r: replace(r, scanned=5, total=5), "the corpora that they scan have 6"),
    "no private corpus": (lambda r: without(r, "train"), "no train notes"),
    "no synthetic corpus": (lambda r: without(r, "synthetic"), "no synthetic notes"),
    "measured against no hold-out": (lambda r: without(r, "holdout"), "no holdout notes"),
    "an empty release": (lambda r: replace(r, corpora={**r.corpora, "synthetic": EMPTY}), "no synthetic notes"),
    "less than an empty release": (
        lambda r: replace(r, corpora={**r.corpora, "synthetic": replace(EMPTY, notes=-4)}),
        "no synthetic notes",
    ),
    "nobody's notes": (
        lambda r: replace(r, corpora={**r.corpora, "synthetic": replace(EMPTY, notes=4)}),
        "more patients than notes",
    ),
    "the hold-out is train": (
        lambda r: replace(r, corpora={**r.corpora, "holdout": r.corpora["train"]}),
        "two of the corpora are the same",
    ),
    "no numbers at all": (estimate(-math.inf, 0.5, math.inf), "0.5 [-inf, inf] is not finite"),
    "a number below all": (estimate(-math.inf, -math.inf, -math.inf), "-inf is not finite"),
    "an open end that nobody judges": (estimate(-math.inf, 0.5, 0.5), "is not finite"),
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
    linkage = report_of("linkage", {"decisive": 0})
    with_it = replace(auc(0.5, 0.5, 0.5), audits=(report_of("membership", {"auc": 0.5}), linkage))
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


def test_what_is_believed_is_what_the_installed_audits_are() -> None:
    from deidrelease.auditing.plain import plain_values
    from deidrelease.contracts import installed_audits
    from deidrelease.policy.metrics import KNOWN

    assert set(TERMS) == set(KNOWN)
    for name, made in installed_audits().items():
        terms = TERMS[name]
        assert made.version in terms.versions
        assert made.arms == terms.arms
        assert plain_values(made().settings()) == plain_values(terms.settings)


def test_a_negative_excess_and_the_end_of_an_interval_beyond_its_range_are_believed() -> None:
    assert span_of("verbatim.patients_excess") == (-math.inf, 1.0)
    policy = policy_of({"r": {"metric": "verbatim.patients_excess", "at_most": 0.0}})
    assert decide(policy, result_of(report_of("verbatim", {"patients_excess": (-9.0, -3.0, 0.2)}))).outcome == "pass"


def test_an_audit_of_another_package_is_taken_at_its_word() -> None:
    report = replace(report_of("shared_lines", {"lines": -7.0}), version=9, settings={"any": "thing"})
    policy = policy_of({"r": {"metric": "shared_lines.lines", "at_most": 0}})
    assert decide(policy, result_of(report)).outcome == "pass"


def test_an_audit_that_lacks_something_is_told_to_get_it_and_not_told_twice() -> None:
    for status, done in (("inconclusive", "give it what it lacks"), ("failed", "find the cause in the log")):
        report = report_of("membership", {}, status, "The hold-out has 3 patients; 40 are needed")
        found = judgement(policy_of({"auc": AUC}), result_of(report), "audit.membership")
        assert found.remedy.startswith(done)
        assert report.reason in found.what
