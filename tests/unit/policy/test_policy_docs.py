"""What docs/policies says of the policies is so."""

import re
from pathlib import Path

from deidrelease.policy import load_policy, shipped

DOCS = Path(__file__).parents[3] / "docs" / "policies"


def test_the_example_is_a_policy_that_can_be_used(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", (DOCS / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "ours.yaml").write_text(example, encoding="utf-8")
    policy = load_policy(tmp_path / "ours.yaml")
    assert policy.rules["membership-auc"].at_most == 0.6
    assert "few-duplicates" in policy.rules


def test_each_shipped_policy_has_a_section_with_its_terms() -> None:
    text = (DOCS / "shipped.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    assert set(sections) == set(shipped())
    for name, section in sections.items():
        policy = load_policy(name)
        assert ("Signable" in section) == policy.signable
        if policy.signable:
            assert f"valid {policy.valid_days} days" in section
            assert f"waivers of at most {policy.waivers.max_days} days" in section
        assert not re.search(r"\bcompliant\b|\banonymous\b", section)
