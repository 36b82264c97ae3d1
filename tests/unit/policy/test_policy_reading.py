"""A policy is read as it is written or not at all, and every complaint has a line and a column."""

from pathlib import Path

import pytest
from made.plugins import SMALL, register

from deidrelease.errors import PolicyError
from deidrelease.policy import Policy, find_policy, load_policy, raw_bytes, read_resolved, shipped

RULES = """\
name: strict
version: 1.0.0
requires: [verbatim]
rules:
  few-spans:
    metric: verbatim.notes_with_span_8
    judge: high
    at_most: 0.2
    because: more cannot be chance
"""


def refusal(text: str | bytes, folder: Path, name: str = "p.yaml") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert refused.value.exit_code == 3
    return str(refused.value)


def test_it_says_what_the_file_says_and_the_safest_of_all_else(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(RULES)
    policy = load_policy(tmp_path / "p.yaml")
    rule = policy.rules["few-spans"]
    bound = "verbatim.notes_with_span_8", "high", 0.2, "block"
    assert (policy.name, policy.version, policy.audits) == ("strict", "1.0.0", ("verbatim",))
    assert (rule.metric, rule.judge, rule.at_most, rule.severity) == bound
    assert (policy.signable, policy.approvals, policy.waivers.max_days, policy.valid_days) == (False, 1, 0, 365)
    assert raw_bytes(tmp_path / "p.yaml") == RULES.encode()


@pytest.mark.parametrize(
    ("before", "after", "place", "wanted"),
    [
        ("judge: high", "judge: median", "7:5", "judge"),
        ("at_most: 0.2", "at_mots: 0.2", "8:5", "at_mots is no key of a policy"),
        ("at_most: 0.2", "at_most: true", "8:5", "number"),
        *(("at_most: 0.2", f"at_most: {other}", "8:14", "not every reader of YAML") for other in (
            "yes", "Off", "010", "0x10", "0b11", "1:30", "1_0", "1:30.5", "5.",
        )),
        ("because: more", "because: more\u2028    severity: warn #", "9:18", "editors do not show"),
        ("judge: high", "judge: high # as agreed\x85    severity: warn", "7:28", "editors do not show"),
        ("judge: high", "judge: high # as agreed\r    severity: warn", "7:28", "editors do not show"),
        ("judge: high", "judge: high # as \u202eagreed", "7:22", "editors do not show"),
        ("at_most: 0.2", "at_most: 20", "8:5", "lies between 0 and 1, so nothing ever breaks at most 20"),
        ("at_most: 0.2", "at_most: 1", "8:5", "nothing ever breaks at most 1"),
        ("at_most: 0.2", "at_least: 0", "8:5", "nothing ever breaks at least 0"),
        ("at_most: 0.2", "at_most: 20\n    at_least: 0.1", "8:5", "nothing ever breaks at most 20 and at"),
        ("name: strict", "name: research", "1:1", "is the name of a shipped policy, and this is not it"),
        ("at_most: 0.2", "at_most: '2'", "8:5", "number"),
        ("at_most: 0.2", "at_most: .nan", "8:5", "finite"),
        ("at_most: 0.2", "at_most: .inf", "8:5", "finite"),
        ("at_most: 0.2", "at_most: 1.0e+999", "8:5", "finite"),
        ("at_most: 0.2", f"at_most: 1{'0' * 400}", "8:5", ""),
        ("at_most: 0.2", f"at_most: 1{'0' * 5000}", "8:5", "no plain value"),
        ("at_most: 0.2", "at_most: 0.2\n    at_least: 0.3", "5:3", "no number can keep it"),
        ("    at_most: 0.2\n", "", "5:3", "bounds nothing"),
        ("    because: more cannot be chance\n", "", "5:3", "is missing"),
        ("metric: verbatim.notes_with_span_8", "metric: lines", "6:5", "match pattern"),
        ("version: 1.0.0", "version: 1", "2:1", "string"),
        ("version: 1.0.0", "version: 1.0", "2:1", "string"),
        ("version: 1.0.0", "version: '1.0'", "2:1", "match pattern"),
        ("version: 1.0.0", "version: 01.0.0", "2:1", "match pattern"),
        ("name: strict", "name: Strict Policy", "1:1", "match pattern"),
        ("requires: [verbatim]", "requires: verbatim", "3:1", "list"),
        ("requires: [verbatim]", "requires: [verbatm]", "3:1", "did you mean verbatim?"),
        ("high\n", "high\n    severity: warn\n", "", "no rule can block"),
        ("high\n", "high\n    judge: low\n", "8:5", "stands twice"),
        ("few-spans:", "Few spans:", "5:3", "match pattern"),
        ("requires: [verbatim]", "requires: &a [verbatim]", "3:11", "an anchor or an alias"),
        ("requires: [verbatim]", "requires: !!set {verbatim}", "3:11", "has a tag"),
        ("requires: [verbatim]", 'requires: ["\\ud800"]', "3:12", "half a character"),
        ("requires: [verbatim]", f"requires: {'[' * 40}{']' * 40}", "3:26", "deeper than 16 levels"),
        ("requires: [verbatim]", "? [a, b]\n: c", "3:3", "is no name of a key"),
        ("requires: [verbatim]", "requires: [verbatim", "4:6", "is not YAML"),
        ("requires: [verbatim]", 'requires: ["\\U00110000"]', "1:1", "is not YAML"),
        ("requires: [verbatim]", "coverage: {A: {how: x, by: [verbatim.decisive]}}", "", "coverage leaves out B, C"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_line_and_column(
    before: str, after: str, place: str, wanted: str, tmp_path: Path
) -> None:
    assert before in RULES
    said = refusal(RULES.replace(before, after, 1), tmp_path)
    assert wanted in said
    # What concerns the policy as a whole has no line of its own.
    assert f"p.yaml:{place}: " in said or not place, said


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("verbatim.decisiv", "the audit verbatim has no metric decisiv — did you mean decisive?"),
        ("verbatm.decisive", "there is no audit verbatm — did you mean verbatim?"),
        ("pii_residual.hits_per_1k_tokens_S", "did you mean hits_per_1k_tokens_"),
        ("dp.xyz", "there are cumulative_delta, cumulative_epsilon, delta, epsilon"),
        ("nothing.at_all", "there is no audit nothing — there are"),
    ],
)
def test_a_metric_that_no_audit_has_is_refused_with_the_nearest(metric: str, wanted: str, tmp_path: Path) -> None:
    said = refusal(RULES.replace("verbatim.notes_with_span_8", metric), tmp_path)
    assert wanted in said
    assert "p.yaml:6:5: rules.few-spans.metric: " in said


def test_audits_of_other_packages_are_known_where_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = RULES.replace("verbatim.notes_with_span_8", "shared_lines.lines")
    assert "there is no audit shared_lines" in refusal(text, tmp_path)
    monkeypatch.syspath_prepend(str(register(tmp_path / "plugin", SMALL)))
    assert load_policy(tmp_path / "p.yaml").audits == ("shared_lines", "verbatim")
    assert "did you mean lines?" in refusal(text.replace("shared_lines.lines", "shared_lines.linse"), tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "name: a\nversion: 1.0.0\n", "name: a\nversion: 1.0.0\nrules: {}\n", "- a\n", b"\xff\xfe", "\0"]
)
def test_a_policy_without_rules_is_none(text: str | bytes, tmp_path: Path) -> None:
    refusal(text, tmp_path)


def test_line_ends_of_all_systems_and_a_mark_at_the_start_are_read(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(("\ufeff" + RULES.replace("\n", "\r\n")).encode())
    assert load_policy(tmp_path / "p.yaml").rules["few-spans"].at_most == 0.2


@pytest.mark.parametrize(
    ("written", "number"), [("1.0e-2", 0.01), ("0", 0), ("-0.5", -0.5), (".5", 0.5), ("+0.25", 0.25)]
)
def test_numbers_that_everybody_reads_alike_are_read(written: str, number: float, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(RULES.replace("0.2", written))
    assert load_policy(tmp_path / "p.yaml").rules["few-spans"].at_most == number


def test_a_copy_of_a_shipped_policy_is_that_policy_until_it_is_changed(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(raw_bytes("research"))
    assert load_policy(tmp_path / "p.yaml") == load_policy("research")
    said = refusal(raw_bytes("research").replace(b"at_most: 0.65", b"at_most: 0.95"), tmp_path)
    assert "p.yaml:2:1: name: is the name of a shipped policy, and this is not it" in said
    assert load_policy(tmp_path / "p.yaml", borrowed=True).rules["membership-auc"].at_most == 0.95


def test_a_file_beyond_all_measure_is_refused_unread(tmp_path: Path) -> None:
    assert "larger than 262,144 bytes" in refusal(b"#" * (1 << 20), tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.yaml", "a\0b", "x" * 5000, "."])
def test_a_policy_that_is_not_there_names_those_that_are(name: str) -> None:
    with pytest.raises(PolicyError, match=r"one of ci-smoke, gdpr-wp216, hipaa-safe-harbor, research, strict-research"):
        find_policy(name)


def test_a_shipped_name_means_the_shipped_policy_whatever_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "research").write_text(RULES)
    assert load_policy("research").name == "research"
    assert load_policy("./research").name == "strict"


@pytest.mark.parametrize("name", shipped())
def test_the_resolved_document_reads_back_to_the_same_policy_and_digest(name: str) -> None:
    policy = load_policy(name)
    data = policy.canonical()
    assert read_resolved(data) == policy
    assert read_resolved(data).sha256() == policy.sha256()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"{", b"{ "),  # another form of the same
        (b'"at_most":0', b'"at_most":0.0'),
        (b'"signable":true', b'"signable":1'),
        (b'"approvals":1', b'"approvals":1,"approvals":0'),
        (b"deidrelease.policy/1", b"deidrelease.policy/2"),
        (b'"name"', b'"nam"'),
        (b"}", b"\x00}"),
    ],
)
def test_a_resolved_document_in_any_other_form_is_refused(before: bytes, after: bytes) -> None:
    data = load_policy("research").canonical()
    assert before in data
    with pytest.raises(PolicyError):
        read_resolved(data.replace(before, after, 1))
    with pytest.raises(PolicyError):
        read_resolved(b"")


def test_the_order_of_a_file_does_not_change_what_it_says(tmp_path: Path) -> None:
    other = RULES + "  any:\n    metric: verbatim.decisive\n    judge: value\n    at_most: 0\n    because: b\n"
    head, rules = other.split("rules:\n")
    first, second = rules.split("  any:")
    (tmp_path / "a.yaml").write_text(other)
    (tmp_path / "b.yaml").write_text(f"{head}rules:\n  any:{second}{first}")
    one, two = load_policy(tmp_path / "a.yaml"), load_policy(tmp_path / "b.yaml")
    assert one == two
    assert one.canonical() == two.canonical()


def test_the_published_schema_is_the_one_that_reads() -> None:
    import json

    import jsonschema
    import yaml

    from deidrelease.policy.schema import policy_schema

    root = Path(__file__).parents[3]
    published = root / "docs" / "reference" / "policy.schema.json"
    assert published.read_text(encoding="utf-8") == policy_schema(), "deidrelease policy schema --out docs/reference/…"
    schema = json.loads(policy_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for name in shipped():
        assert list(check.iter_errors(yaml.safe_load(raw_bytes(name)))) == []
    assert list(check.iter_errors({"name": "a", "version": "1.0.0", "at_mots": 2}))
    assert list(check.iter_errors({"name": "a", "version": "1"}))


def test_reading_and_deciding_need_nothing_heavy() -> None:
    import subprocess
    import sys

    script = (
        "import sys\n"
        "from deidrelease.policy import load_policy, read_resolved\n"
        "read_resolved(load_policy('strict-research').canonical())\n"
        "heavy = ('numpy', 'torch', 'scipy', 'datasets', 'transformers', 'matplotlib', 'rapidfuzz', 'pyarrow')\n"
        "assert not [name for name in heavy if name in sys.modules]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_table_of_metrics_is_that_of_the_installed_audits() -> None:
    from deidrelease.contracts import installed_audits
    from deidrelease.policy.metrics import KNOWN

    installed = {name: set(made.metrics) for name, made in installed_audits().items()}
    assert {name: set(KNOWN[name]) for name in installed} == installed
    assert set(KNOWN) == set(installed)


def test_a_policy_is_a_value() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_policy("research").approvals = 0
    assert isinstance(load_policy("research"), Policy)
