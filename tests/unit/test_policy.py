"""A policy passes what it can see and what keeps its bounds; everything else blocks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.notes_of import corpora_of
from made.small_audits import Crashing, SharedLines

from deidrelease.auditing.result import AuditResult
from deidrelease.auditing.running import audit
from deidrelease.engine import LocalEngine
from deidrelease.errors import PolicyError
from deidrelease.policy import Policy, Verdict, decide, load_policy, read_verdict
from deidrelease.results import Estimate

RULES = """\
name: strict
version: 1
requires: [shared_lines]
rules:
  few-lines:
    metric: shared_lines.lines
    judge: high
    at_most: 2
    because: more cannot be chance
"""


@pytest.fixture(scope="module")
def result() -> AuditResult:
    corpora = corpora_of(["one", "two"], ["one", "two", "three"], ["four"])
    return audit(corpora, {"shared_lines": SharedLines()}, LocalEngine())


def policy(**rule: Any) -> Policy:
    told = {"metric": "shared_lines.lines", "judge": "value", "at_most": 2.0, "because": "it has to be", **rule}
    return Policy.model_validate({"name": "strict", "version": 1, "rules": {"few": told}})


def test_a_result_that_keeps_the_bounds_passes(result: AuditResult, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(RULES)
    read = load_policy(tmp_path / "p.yaml")
    verdict = decide(read, result)
    assert verdict == Verdict("pass", (), (), "strict", read.sha256())
    assert verdict.policy_sha256 != policy().sha256()


def test_bounds_are_inclusive_and_on_the_end_that_is_judged(result: AuditResult) -> None:
    wide = Estimate(2.0, 1.0, 3.0, 0.95, 3, "made")
    [report] = result.audits
    spread = replace(result, audits=(replace(report, metrics={"lines": wide}),))
    table = [
        ("low", 1.0, None, "pass"), ("low", 0.9, None, "blocked"), ("value", 2.0, None, "pass"),
        ("value", 1.9, None, "blocked"), ("high", 3.0, None, "pass"), ("high", 2.9, None, "blocked"),
        ("low", None, 1.0, "pass"), ("low", None, 1.1, "blocked"), ("high", 9.0, 3.1, "blocked"),
    ]  # fmt: skip
    for judge, most, least, outcome in table:
        verdict = decide(policy(judge=judge, at_most=most, at_least=least), spread)
        assert verdict.outcome == outcome, (judge, most, least)
    assert "few: shared_lines.lines (high) is 3, not at most 9 and at least 3.1: it has to be" in verdict.reasons


def test_a_warning_is_told_and_does_not_block(result: AuditResult) -> None:
    rules = {
        "soft": {"metric": "shared_lines.lines", "judge": "value", "at_most": 0.0, "severity": "warn", "because": "x"},
        "hard": {"metric": "shared_lines.decisive", "judge": "value", "at_most": 0.0, "because": "x"},
    }
    verdict = decide(Policy.model_validate({"name": "n", "version": 1, "rules": rules}), result)
    assert verdict.outcome == "pass"
    assert len(verdict.warnings) == 1


def failed(result: AuditResult) -> AuditResult:
    return replace(result, audits=(replace(result.audits[0], status="failed", reason="crashed"),))


def beside_a_failure(_: AuditResult) -> AuditResult:
    corpora = corpora_of(["one", "two"], ["one", "two", "three"], ["four"])
    return audit(corpora, {"shared_lines": SharedLines(), "crashing": Crashing(where="conclude")}, LocalEngine())


CLOSED = {
    "missing audit": (lambda r: replace(r, audits=()), "did not run"),
    "missing metric": (lambda r: replace(r, audits=(replace(r.audits[0], metrics={}),)), "no metric"),
    "failed": (failed, "is failed: crashed"),
    "another audit failed": (beside_a_failure, "audit crashing is failed"),
    "inconclusive": (
        lambda r: replace(r, audits=(replace(r.audits[0], status="inconclusive", reason="too small"),)),
        "is inconclusive: too small",
    ),
    "not all scanned": (lambda r: replace(r, scanned=r.total - 1), "3 of 4 notes were scanned"),
    "more scanned than there are": (lambda r: replace(r, total=r.total - 1), "4 of 3 notes were scanned"),
    "nothing to scan": (lambda r: replace(r, scanned=0, total=0), "0 of 0 notes"),
    "no private corpus": (lambda r: replace(r, corpora={"synthetic": r.corpora["synthetic"]}), "no corpus train"),
}


@pytest.mark.parametrize("case", sorted(CLOSED))
def test_what_cannot_be_seen_blocks(case: str, result: AuditResult) -> None:
    change, why = CLOSED[case]
    assert decide(policy(), result).outcome == "pass"
    verdict = decide(policy(), change(result))
    assert verdict.outcome == "blocked"
    assert any(why in reason for reason in verdict.reasons), verdict.reasons


def test_an_unknown_metric_blocks_even_a_warning(result: AuditResult) -> None:
    assert decide(policy(metric="shared_lines.linse"), result).outcome == "blocked"
    soft = {"metric": "shared_lines.linse", "judge": "value", "at_most": 0.0, "severity": "warn", "because": "x"}
    hard = {"metric": "shared_lines.lines", "judge": "value", "at_most": 9.0, "because": "x"}
    both = Policy.model_validate({"name": "n", "version": 1, "rules": {"soft": soft, "hard": hard}})
    assert decide(both, result).outcome == "blocked"


def test_an_audit_that_is_required_must_be_there(result: AuditResult) -> None:
    wanting = policy().model_copy(update={"requires": ["membership"]})
    assert decide(wanting, result).reasons == ("audit membership did not run",)


@pytest.mark.parametrize(
    ("before", "after", "line", "wanted"),
    [
        ("judge: high", "judge: median", 7, "judge"),
        ("at_most: 2", "at_mots: 2", 8, "at_mots is no key of a policy"),
        ("at_most: 2", "at_most: yes", 8, "number"),
        ("at_most: 2", "at_most: '2'", 8, "number"),
        ("at_most: 2", "at_most: .nan", 8, "finite"),
        ("    at_most: 2\n", "", 5, "bounds nothing"),
        ("    because: more cannot be chance\n", "", 5, "is missing"),
        ("metric: shared_lines.lines", "metric: lines", 6, "match pattern"),
        ("version: 1", "version: 0", 2, "greater than or equal to 1"),
        ("requires: [shared_lines]", "requires: shared_lines", 3, "list"),
        ("high\n", "high\n    severity: warn\n", 4, "no rule can block"),
        ("high\n", "high\n    judge: low\n", 8, "stands twice"),
    ],
)
def test_a_policy_that_is_not_understood_is_refused_by_line(
    before: str, after: str, line: int, wanted: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.yaml"
    assert before in RULES
    path.write_text(RULES.replace(before, after, 1))
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert wanted in str(refused.value)
    # What concerns the policy as a whole has no line of its own.
    assert f"p.yaml:{line}: " in str(refused.value) or wanted == "no rule can block"


@pytest.mark.parametrize("text", ["", "name: strict\nversion: 1\n", "name: strict\nversion: 1\nrules: {}\n", "[]"])
def test_a_policy_without_rules_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(PolicyError):
        load_policy(tmp_path / "p.yaml")
    with pytest.raises(PolicyError):
        load_policy(tmp_path / "missing.yaml")


def test_a_verdict_is_read_back_or_refused(result: AuditResult, tmp_path: Path) -> None:
    import json

    verdict = decide(policy(at_most=0.0), result)
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(verdict.document()))
    assert read_verdict(path) == verdict
    for change in ({"format": "x"}, {"outcome": "passed"}, {"more": 1}, {"reasons": 3}):
        path.write_text(json.dumps({**verdict.document(), **change}))
        with pytest.raises(PolicyError):
            read_verdict(path)
