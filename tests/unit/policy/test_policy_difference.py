"""What a change of a policy means, and the step of SemVer that it needs."""

from typing import Any

import pytest
from made.policies import policy_of

from deidrelease.policy import Policy, load_policy
from deidrelease.policy.difference import difference

BASE: dict[str, Any] = {
    "auc": {"metric": "membership.auc", "at_most": 0.6},
    "p": {"metric": "verbatim.p_value", "at_least": 0.01, "severity": "warn"},
}


def changed(version: str = "1.0.0", rules: dict[str, Any] | None = None, **told: Any) -> Policy:
    return policy_of(BASE if rules is None else rules, version=version, **{"approvals": 1, **told})


def rule(name: str, **told: Any) -> dict[str, Any]:
    return {**BASE, name: {**BASE.get(name, {}), **told}}


@pytest.mark.parametrize(
    ("new", "kinds", "needed"),
    [
        (changed(), set(), "none"),
        (changed(rules=rule("auc", at_most=0.5)), {("tightened", "rules.auc.at_most")}, "minor"),
        (changed(rules=rule("auc", at_most=0.7)), {("loosened", "rules.auc.at_most")}, "major"),
        (changed(rules=rule("auc", judge="low")), {("loosened", "rules.auc.judge")}, "major"),
        (changed(rules=rule("p", severity="block")), {("tightened", "rules.p.severity")}, "minor"),
        (changed(rules=rule("auc", because="for another reason")), {("reworded", "rules.auc.because")}, "patch"),
        (changed(rules={"auc": BASE["auc"]}), {("removed", "rules.p"), ("loosened", "requires.verbatim")}, "major"),
        (changed(rules=rule("q", metric="membership.p_value", at_least=0.1)), {("added", "rules.q")}, "minor"),
        (changed(rules=rule("auc", metric="membership.auc_nearest")), {("loosened", "rules.auc.metric")}, "major"),
        (changed(approvals=2), {("tightened", "approvals")}, "minor"),
        (changed(approvals=0), {("loosened", "approvals")}, "major"),
        (changed(valid_days=366), {("loosened", "valid_days")}, "major"),
        (changed(waivers={"max_days": 1}), {("loosened", "waivers.max_days")}, "major"),
        (changed(signable=True), {("loosened", "signable")}, "major"),
        (changed(statements={"s": "t"}), {("tightened", "statements.s")}, "minor"),
        (changed(title="t"), {("reworded", "title")}, "patch"),
    ],
)
def test_each_change_is_told_for_what_it_is(new: Policy, kinds: set[tuple[str, str]], needed: str) -> None:
    found = difference(changed(), new)
    assert {(change.kind, change.key) for change in found.changes} == kinds
    assert (found.needed, found.looser) == (needed, needed == "major")


@pytest.mark.parametrize(
    ("version", "looser", "fits"),
    [
        ("1.0.0", False, False), ("1.0.1", False, False), ("1.1.0", False, True), ("2.0.0", False, True),
        ("1.1.0", True, False), ("2.0.0", True, True), ("0.9.0", False, False), ("1.10.0", False, True),
    ],
)  # fmt: skip
def test_the_version_has_to_say_as_much(version: str, looser: bool, fits: bool) -> None:
    new = changed(version, rule("auc", at_most=0.7 if looser else 0.5))
    assert difference(changed(), new).fits == fits


def test_two_policies_have_no_common_version() -> None:
    found = difference(load_policy("research"), load_policy("strict-research"))
    assert (found.taken, found.fits, found.looser) == (None, False, False)
    assert difference(load_policy("strict-research"), load_policy("research")).looser


def test_a_statement_in_other_words_is_another_statement() -> None:
    found = difference(changed(statements={"s": "I know."}), changed(statements={"s": "I guess."}))
    assert [(change.kind, change.key) for change in found.changes] == [("loosened", "statements.s")]
