"""The shipped policies: what each asks, why and by whose authority, and what results of every shape get."""

import re
from dataclasses import replace
from typing import Any

import pytest
from made.audit_results import report_of, result_of

from deidrelease.auditing.result import AuditResult
from deidrelease.labels import HIPAA_CLASSES
from deidrelease.policy import decide, load_policy, raw_bytes, shipped
from deidrelease.policy.metrics import KNOWN
from deidrelease.policy.tightening import loosenings

ABSOLUTE = {"verbatim.decisive", "near_duplicate.decisive", "pii_replay.decisive", "linkage.decisive"}
SIGNABLE = ("gdpr-wp216", "hipaa-safe-harbor", "research", "strict-research")
CLEAN: dict[str, Any] = {
    "verbatim": {"decisive": 0, "p_value": 0.4, "patients_excess": (-0.03, 0.01, 0.03), "notes_with_span_50": 0},
    "near_duplicate": {"decisive": 0, "p_value": 0.7, "patients_excess": (-0.04, 0.02, 0.06), "notes_contained_50": 0},
    "pii_replay": {"decisive": 0, "p_value": 0.4, "patients_excess": (-0.08, 0.02, 0.1), "flagged_classes": 0},
    "linkage": {"decisive": 0, "p_value": 0.3, "patients_excess": (-0.04, 0.0, 0.01)},
    "membership": {"p_value": 0.2, "auc": (0.46, 0.52, 0.58), "tpr_at_1pct_fpr": (0, 0.003, 0.04)},
    "diversity": {"exact_duplicates": 0, "near_duplicates": (0, 0, 0.03), "label_divergence": (0.006, 0.008, 0.015)},
    "pii_residual": {
        "detector_recall": (0.93, 0.95, 0.97), "untagged_hits": 4,
        **{f"hits_per_1k_tokens_{letter}": (0, 1, 2) for letter in HIPAA_CLASSES},
    },
    "dp": {"epsilon": 7.9, "delta": 1e-6, "cumulative_epsilon": 9.0, "cumulative_delta": 1e-6},
    "canary": {"epsilon_lower": (0.5, 0.5, 5.8)},
}  # fmt: skip


def results(**changed: dict[str, Any]) -> AuditResult:
    return result_of(*(report_of(name, {**CLEAN[name], **changed.get(name, {})}) for name in CLEAN))


def test_there_are_five_and_one_of_them_never_signs() -> None:
    assert shipped() == ("ci-smoke", "gdpr-wp216", "hipaa-safe-harbor", "research", "strict-research")
    assert {name for name in shipped() if load_policy(name).signable} == set(SIGNABLE)


@pytest.mark.parametrize("name", shipped())
def test_each_rule_says_why_whence_and_what_to_do(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert policy.title
    assert policy.description
    for rule_name, rule in policy.rules.items():
        assert len(rule.because) > 30, rule_name
        assert "this product's default" in rule.source, rule_name
        assert rule.remedy, rule_name
    assert policy.not_covered


@pytest.mark.parametrize("name", shipped())
def test_none_promises_what_nobody_can(name: str) -> None:
    text = raw_bytes(name).decode().lower()
    assert not re.search(r"\bcompliant\b|\bcompliance\b|\banonymous\b|\banonymi[sz]ed\b", text)


@pytest.mark.parametrize("name", shipped())
def test_absolute_stops_are_zero_at_the_worst_end_and_beyond_any_waiver(name: str) -> None:
    rules = {rule.metric: rule for rule in load_policy(name).rules.values()}
    for metric in ABSOLUTE:
        rule = rules[metric]
        assert (rule.at_most, rule.judge, rule.severity, rule.waivable) == (0, "high", "block", False)


def test_the_terms_are_those_that_were_promised() -> None:
    terms = {name: load_policy(name) for name in shipped()}
    assert {name: (p.approvals, p.valid_days, p.waivers.max_days) for name, p in terms.items()} == {
        "ci-smoke": (0, 1, 0), "gdpr-wp216": (1, 365, 90), "hipaa-safe-harbor": (1, 365, 90),
        "research": (1, 730, 90), "strict-research": (2, 365, 30),
    }  # fmt: skip
    assert "no-actual-knowledge" in terms["hipaa-safe-harbor"].statements
    assert "164.514(b)(2)(ii)" in terms["hipaa-safe-harbor"].statements["no-actual-knowledge"]
    assert "dp" not in terms["research"].audits


def test_safe_harbor_speaks_of_all_eighteen_classes() -> None:
    coverage = load_policy("hipaa-safe-harbor").coverage
    assert set(coverage) == set(HIPAA_CLASSES)
    assert {letter for letter, told in coverage.items() if not told.by} == {"P", "Q"}
    assert all("not looked for" in coverage[letter].how for letter in "PQ")


def test_the_three_questions_of_wp216_each_have_rules_of_their_own() -> None:
    reasons = [rule.because for rule in load_policy("gdpr-wp216").rules.values()]
    for question in ("Singling out:", "Linkability:", "Inference:"):
        assert sum(reason.startswith(question) for reason in reasons) >= 2
    assert all(reason.startswith(("Singling out:", "Linkability:", "Inference:")) for reason in reasons)


@pytest.mark.parametrize("name", ["research", "hipaa-safe-harbor", "gdpr-wp216"])
def test_the_strict_one_asks_for_all_that_the_others_ask(name: str) -> None:
    assert list(loosenings(load_policy(name), load_policy("strict-research"))) == []


def test_the_union_says_once_what_it_does_not_cover_and_nothing_that_it_does() -> None:
    told = load_policy("strict-research").not_covered
    assert len({text[:20] for text in told}) == len(told)
    assert not [text for text in told if "asks for it" in text]
    for name in ("research", "hipaa-safe-harbor", "gdpr-wp216"):
        assert set(load_policy(name).not_covered) <= set(told)


@pytest.mark.parametrize("name", shipped())
def test_a_clean_result_passes_and_every_metric_is_needed(name: str) -> None:
    policy = load_policy(name)
    assert decide(policy, results()).outcome == "pass"
    needed = {rule.metric for rule in policy.rules.values()} | {
        by for told in policy.coverage.values() for by in told.by
    }
    for metric in sorted(needed):
        audit, _, dropped = metric.partition(".")
        reports = tuple(
            replace(each, metrics={at: it for at, it in each.metrics.items() if (each.audit, at) != (audit, dropped)})
            for each in results().audits
        )
        assert decide(policy, replace(results(), audits=reports)).outcome == "blocked", metric


@pytest.mark.parametrize("audit", sorted(KNOWN))
def test_an_audit_that_did_not_measure_blocks_whoever_asks_for_it(audit: str) -> None:
    for name in shipped():
        policy = load_policy(name)
        for status in ("inconclusive", "failed"):
            reports = tuple(replace(r, status=status) if r.audit == audit else r for r in results().audits)
            asked = audit in policy.audits or status == "failed"
            assert decide(policy, replace(results(), audits=reports)).outcome == ("blocked" if asked else "pass")


BROKEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "one copied span": ({"verbatim": {"decisive": 1}}, {*shipped()}),
    "one copied note": ({"near_duplicate": {"decisive": 1}}, {*shipped()}),
    "one identifier": ({"pii_replay": {"decisive": 1}}, {*shipped()}),
    "one pair": ({"linkage": {"decisive": 1}}, {*shipped()}),
    "an attack that works": (
        {"membership": {"auc": (0.68, 0.73, 0.79), "p_value": 1e-12, "tpr_at_1pct_fpr": (0.05, 0.07, 0.16)}},
        {"research", "gdpr-wp216", "strict-research"},
    ),
    "a small sample": ({"membership": {"auc": (0.33, 0.5, 0.67)}}, {"research", "gdpr-wp216", "strict-research"}),
    "certain, though small": (
        {"membership": {"auc": (0.51, 0.52, 0.53), "p_value": 1e-6}},
        {"research", "gdpr-wp216", "strict-research"},
    ),
    "detectors that miss much": (
        {"pii_residual": {"detector_recall": (0.8, 0.9, 0.95)}}, {"hipaa-safe-harbor", "strict-research"}
    ),
    "an excess that may be large": (
        {"linkage": {"patients_excess": (-0.2, 0, 0.2)}}, {"gdpr-wp216", "strict-research"}
    ),
    "epsilon of fifty": ({"dp": {"epsilon": 50.0}}, {"strict-research"}),
    "more lost than accounted for": ({"canary": {"epsilon_lower": (9, 9, 9)}}, {"strict-research"}),
    "duplicates": ({"diversity": {"near_duplicates": (0.4, 0.5, 0.6)}}, set()),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_what_each_blocks(case: str) -> None:
    changed, blocked_by = BROKEN[case]
    assert {name for name in shipped() if not decide(load_policy(name), results(**changed)).passed} == blocked_by


def test_a_wheel_would_bring_them_along() -> None:
    import tomllib
    from pathlib import Path

    from deidrelease.policy.shipped import shipped_path

    root = Path(__file__).parents[3]
    build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["force-include"] == {"policies": "deidrelease/policies"}
    assert shipped_path("research") is not None
    assert shipped_path("../policies/research") is None
