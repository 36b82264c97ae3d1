"""A policy that extends others asks for as much as each of them, or is refused by the line that asks for less."""

from pathlib import Path

import pytest

from deidrelease.errors import PolicyError
from deidrelease.policy import Policy, load_policy

PARENT = """\
name: parent
version: 2.1.0
signable: true
approvals: 2
valid_days: 300
waivers: {max_days: 30}
requires: [diversity]
statements: {seen: I have seen it.}
rules:
  most: {metric: membership.auc, judge: value, at_most: 0.6, because: b}
  least: {metric: verbatim.p_value, judge: value, at_least: 0.01, severity: warn, because: b}
  stop: {metric: verbatim.decisive, judge: high, at_most: 0, waivable: false, because: b}
  band: {metric: near_duplicate.dcr_share, judge: value, at_least: 0.4, at_most: 0.6, because: b}
"""
HEAD = "name: child\nversion: 1.0.0\nextends: parent.yaml\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parent.yaml").write_text(PARENT)
    return tmp_path


def child(folder: Path, more: str) -> Policy:
    (folder / "child.yaml").write_text(HEAD + more)
    return load_policy(folder / "child.yaml")


def refusal(folder: Path, more: str) -> str:
    with pytest.raises(PolicyError) as refused:
        child(folder, more)
    return str(refused.value)


@pytest.mark.parametrize(
    ("more", "source"),
    [
        ("rules: {most: {at_most: 0.5}}", "tightened by child"),
        ("rules: {most: {judge: high}}", "tightened by child"),
        ("rules: {most: {at_most: 0.5, source: our board}}", "our board"),
        ("rules: {most: {remedy: ask}}", ""),
        ("rules: {sourced: {at_most: 0}}", "a paper; tightened by child"),
    ],
)
def test_a_limit_that_is_tightened_is_no_longer_the_sources_own(more: str, source: str, folder: Path) -> None:
    text = PARENT + "  sourced: {metric: linkage.decisive, judge: high, at_most: 3, because: b, source: a paper}\n"
    (folder / "parent.yaml").write_text(text)
    name = "sourced" if "sourced" in more else "most"
    assert child(folder, more).rules[name].source == source


def test_what_is_not_said_is_taken_over(folder: Path) -> None:
    parent, policy = load_policy(folder / "parent.yaml"), child(folder, "")
    assert policy.rules == parent.rules
    for name in ("approvals", "valid_days", "waivers", "signable", "statements", "requires"):
        assert getattr(policy, name) == getattr(parent, name)
    [ancestor] = policy.extends
    assert (ancestor.name, ancestor.version, ancestor.sha256) == ("parent", "2.1.0", parent.sha256())
    assert policy.sha256() != parent.sha256()


@pytest.mark.parametrize(
    ("more", "path", "value"),
    [
        ("rules: {most: {at_most: 0.5}}", "rules.most.at_most", 0.5),
        ("rules: {most: {judge: high}}", "rules.most.judge", "high"),
        ("rules: {most: {at_least: 0.4}}", "rules.most.at_least", 0.4),
        ("rules: {least: {at_least: 0.05}}", "rules.least.at_least", 0.05),
        ("rules: {least: {judge: low}}", "rules.least.judge", "low"),
        ("rules: {least: {severity: block}}", "rules.least.severity", "block"),
        ("rules: {most: {waivable: false}}", "rules.most.waivable", False),
        ("rules: {most: {because: better}}", "rules.most.because", "better"),
        ("approvals: 3", "approvals", 3),
        ("valid_days: 10", "valid_days", 10),
        ("signable: false", "signable", False),
        ("requires: [linkage]", "requires", ["diversity", "linkage"]),
        ("statements: {more: And more.}", "statements", {"seen": "I have seen it.", "more": "And more."}),
    ],
)
def test_tightening_is_allowed_in_few_words(more: str, path: str, value: object, folder: Path) -> None:
    found: object = child(folder, more).model_dump()
    for key in path.split("."):
        assert isinstance(found, dict)
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("more", "key", "asked"),
    [
        ("rules:\n  most: {at_most: 0.61}", "5:10", "at most 0.6"),
        ("rules:\n  least: {at_least: 0.009}", "5:11", "at least 0.01"),
        ("rules:\n  most: {judge: low}", "5:10", "that the value end keeps at most 0.6"),
        ("rules:\n  least: {judge: high}", "5:11", "that the value end keeps at least 0.01"),
        ("rules:\n  band: {judge: high}", "5:10", "that the value end keeps"),
        ("rules:\n  stop: {waivable: true}", "5:10", "that no waiver covers it"),
        ("rules:\n  most: {severity: warn}", "5:10", "block"),
        ("rules:\n  most: {metric: membership.p_value}", "5:10", "give a rule on another metric another name"),
        ("approvals: 1", "4:1", "2 at least"),
        ("valid_days: 301", "4:1", "300 at most"),
        ("waivers: {max_days: 31}", "4:11", "30 at most"),
        ("statements: {seen: I have not.}", "4:14", "its own words"),
    ],
)
def test_loosening_is_refused_and_points_to_a_waiver(more: str, key: str, asked: str, folder: Path) -> None:
    said = refusal(folder, more)
    assert asked in said
    assert f"child.yaml:{key}: " in said, said
    assert "parent 2.1.0, which it extends" in said
    assert "signed waiver" in said


def test_every_loosening_is_told_in_one_go(folder: Path) -> None:
    said = refusal(folder, "approvals: 0\nvalid_days: 999\nrules:\n  most: {at_most: 1, severity: warn}")
    assert said.count("loosens") == 4


def test_what_never_signs_cannot_be_made_to(folder: Path) -> None:
    (folder / "parent.yaml").write_text(PARENT.replace("signable: true", "signable: false"))
    assert "that nothing is released under it" in refusal(folder, "signable: true")


def test_a_new_rule_needs_to_be_whole(folder: Path) -> None:
    assert "rules.new.because: is missing" in refusal(
        folder, "rules: {new: {metric: linkage.decisive, judge: low, at_most: 1}}"
    )


OTHER = """\
name: other
version: 1.0.0
approvals: 1
valid_days: 100
signable: true
waivers: {max_days: 90}
rules:
  most: {metric: membership.auc, judge: high, at_most: 0.7, because: other words}
  mine: {metric: linkage.decisive, judge: value, at_most: 0, because: b}
"""


def test_of_several_parents_the_tightest_counts(folder: Path) -> None:
    (folder / "other.yaml").write_text(OTHER)
    text = HEAD.replace("parent.yaml", "[parent.yaml, other.yaml]")
    (folder / "child.yaml").write_text(text)
    policy = load_policy(folder / "child.yaml")
    most = policy.rules["most"]
    assert (most.judge, most.at_most) == ("high", 0.6)
    assert (policy.approvals, policy.valid_days, policy.waivers.max_days, policy.signable) == (2, 100, 30, True)
    assert set(policy.rules) == {"most", "least", "stop", "band", "mine"}
    (folder / "child.yaml").write_text(text + "rules: {most: {at_most: 0.65}}\n")
    with pytest.raises(PolicyError, match=r"0\.65.*loosens: parent 2\.1\.0"):
        load_policy(folder / "child.yaml")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("{metric: membership.auc_nearest, judge: high, at_most: 0.7, because: x}", "bounds membership.auc"),
        (
            "{metric: membership.auc, judge: low, at_least: 0.4, because: x}",
            "judges the value end in one",
        ),
        ("{metric: membership.auc, judge: high, at_least: 0.7, because: x}", "cannot both hold"),
    ],
)
def test_parents_that_contradict_each_other_are_refused(rule: str, wanted: str, folder: Path) -> None:
    (folder / "other.yaml").write_text(f"name: other\nversion: 1.0.0\nrules:\n  most: {rule}\n")
    (folder / "child.yaml").write_text(HEAD.replace("parent.yaml", "[parent.yaml, other.yaml]"))
    with pytest.raises(PolicyError, match=wanted):
        load_policy(folder / "child.yaml")


def test_circles_and_towers_are_refused(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.yaml").write_text(f"name: {one}\nversion: 1.0.0\nextends: ./{other}.yaml\n")
    with pytest.raises(PolicyError, match="extends itself"):
        load_policy(tmp_path / "a.yaml")
    (tmp_path / "c.yaml").write_text("name: c\nversion: 1.0.0\nextends: ../" + tmp_path.name + "/c.yaml\n")
    with pytest.raises(PolicyError, match="extends itself"):
        load_policy(tmp_path / "c.yaml")
    for step in range(12):
        (tmp_path / f"t{step}.yaml").write_text(f"name: t{step}\nversion: 1.0.0\nextends: ./t{step + 1}.yaml\n")
    with pytest.raises(PolicyError, match="more than 8 policies deep"):
        load_policy(tmp_path / "t0.yaml")


def test_a_wide_tower_ends_soon(tmp_path: Path) -> None:
    for step in range(9):
        parents = f"[{', '.join([f'./w{step + 1}.yaml'] * 20)}]"
        (tmp_path / f"w{step}.yaml").write_text(f"name: w{step}\nversion: 1.0.0\nextends: {parents}\n")
    with pytest.raises(PolicyError, match="at most 8 items"):
        load_policy(tmp_path / "w0.yaml")


@pytest.mark.parametrize("parent", ["nowhere", "nowhere.yaml", "reserach"])
def test_a_parent_that_is_not_there_is_told_by_line(parent: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"name: p\nversion: 1.0.0\nextends: {parent}\n")
    with pytest.raises(PolicyError, match=r"p\.yaml:3:1: extends"):
        load_policy(tmp_path / "p.yaml")


def test_a_shipped_policy_can_be_tightened_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("name: ours\nversion: 1.0.0\nextends: research\nvalid_days: 100\n")
    policy = load_policy(tmp_path / "ours.yaml")
    assert policy.valid_days == 100
    assert policy.rules == load_policy("research").rules
