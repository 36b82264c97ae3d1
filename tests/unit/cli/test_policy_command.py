"""`deidrelease policy` and `deidrelease waiver` as a user meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made.audit_results import DIGEST, report_of, result_of, write_result
from made.policies import key_of

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.policy import load_policy, raw_bytes, read_resolved, shipped

OURS = "name: ours\nversion: 1.0.0\nextends: research\nrules: {membership-auc: {at_most: 0.6}}\n"


def run(*arguments: object, answer: str = "") -> Result:
    result = CliRunner().invoke(cli, [*map(str, arguments)], input=answer)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def failure(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert isinstance(result.exception, DeidReleaseError), (result.output, result.exception)
    assert result.exception.exit_code == 3
    return str(result.exception)


def test_list_names_all_with_their_terms() -> None:
    lines = run("policy", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped())
    assert "research 1.0.0: " in lines[3]
    assert "1 approval(s), valid 730 days" in lines[3]
    assert "never signable" in lines[0]


@pytest.mark.parametrize("name", shipped())
def test_show_gives_each_rule_with_limit_and_reason(name: str) -> None:
    shown = " ".join(run("policy", "show", name).stdout.split())
    policy = load_policy(name)
    for rule_name, rule in policy.rules.items():
        assert f"{rule_name} {rule.metric} {rule.limit} {rule.judge}" in shown
        assert " ".join(rule.because.split()) in shown
    for text in [*policy.statements.values(), *policy.not_covered]:
        assert " ".join(text.split()) in shown


def test_show_gives_what_a_machine_wants(tmp_path: Path) -> None:
    policy = load_policy("research")
    assert read_resolved(run("policy", "show", "research", "--json").stdout.rstrip("\n").encode()) == policy
    assert run("policy", "show", "research", "--yaml").stdout.encode() == raw_bytes("research")
    assert run("policy", "show", "research", "--digest").stdout.strip() == policy.sha256()
    assert run("policy", "show", "research", "--digest", "--json").exit_code == 2
    assert "there is no such policy" in failure("policy", "show", "reserch")
    run("policy", "schema", "--out", tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == run("policy", "schema").stdout


def test_a_policys_words_cannot_steer_the_terminal(tmp_path: Path) -> None:
    text = OURS + 'title: "\\e[31mred\\a"\ndescription: "one\\r\\e]0;x\\a"\n'
    (tmp_path / "ours.yaml").write_text(text)
    shown = run("policy", "show", tmp_path / "ours.yaml").stdout
    assert not any(ord(character) < 32 and character != "\n" for character in shown)


def test_check_tells_everything_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OURS)
    done = run("policy", "check", tmp_path / "ours.yaml", "research")
    assert done.exit_code == 0
    assert load_policy(tmp_path / "ours.yaml").sha256() in done.stdout
    (tmp_path / "bad.yaml").write_text(OURS.replace("0.6", "0.7").replace("research", "ci-smoke"))
    (tmp_path / "worse.yaml").write_text(OURS + "appprovals: 1\nappprovals: 2\n")
    said = failure("policy", "check", tmp_path / "bad.yaml", tmp_path / "worse.yaml")
    assert "bad.yaml:4:" in said
    assert "worse.yaml:6:1: appprovals: stands twice" in said


def test_diff_tells_and_exits_with_4_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OURS)
    (tmp_path / "later.yaml").write_text(OURS.replace("0.6", "0.65"))
    tighter = run("policy", "diff", "research", tmp_path / "ours.yaml", "--exit-code")
    assert tighter.exit_code == 0
    assert "tightened  rules.membership-auc.at_most: at most 0.65 -> at most 0.6" in tighter.stdout
    looser = run("policy", "diff", tmp_path / "ours.yaml", tmp_path / "later.yaml")
    assert looser.exit_code == 0
    assert "loosened   rules.membership-auc.at_most: at most 0.6 -> at most 0.65" in looser.stdout
    assert "the version says too little: these changes need a major step" in looser.stdout
    assert run("policy", "diff", tmp_path / "ours.yaml", tmp_path / "later.yaml", "--exit-code").exit_code == 4
    assert "They ask the same" in run("policy", "diff", "research", "research").stdout


REQUEST = ("--policy", "research", "--rule", "membership-auc", "--requester", "Ada Ek", "--justification", "small")


def test_only_a_comparison_takes_a_changed_copy_by_a_shipped_name(tmp_path: Path) -> None:
    from deidrelease.policy import raw_bytes

    copy = tmp_path / "copy.yaml"
    copy.write_bytes(raw_bytes("research").replace(b"at_most: 0.65", b"at_most: 0.95"))
    done = run("policy", "diff", "research", copy, "--exit-code")
    assert done.exit_code == 4
    assert "loosened   rules.membership-auc.at_most" in done.output
    for command in ("show", "check"):
        assert "is the name of a shipped policy, and this is not it" in failure("policy", command, copy)


def test_a_waiver_is_asked_for_read_and_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    from deidrelease.policy import open_waivers

    monkeypatch.delenv("DEIDRELEASE_KEY_PASSPHRASE", raising=False)
    result = write_result(result_of(report_of("membership", {"auc": 0.7})), tmp_path / "result.json")
    asked = run("waiver", "new", *REQUEST, "--result", result, "--days", 30, "--out", tmp_path / "w.yaml")
    assert asked.exit_code == 0, asked.output
    assert "Nobody has signed it yet" in asked.stdout
    assert DIGEST in (tmp_path / "w.yaml").read_text()
    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    signing = ("waiver", "sign", tmp_path / "w.yaml", "--policy", "research", "--key", tmp_path / "bo" / "private.pem")
    declined = CliRunner().invoke(cli, [*map(str, signing), "--into", str(tmp_path / "waivers.json")], input="n\n")
    assert "Nothing was signed" in str(declined.exception)
    assert not (tmp_path / "waivers.json").exists()
    agreed = run(*signing, "--into", tmp_path / "waivers.json", answer="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert "asked for by Ada Ek" in agreed.stdout
    today = datetime.datetime.now(datetime.UTC).date()
    [waiver], refused = open_waivers((tmp_path / "waivers.json").read_bytes(), [key], today)
    assert (waiver.rule, waiver.approver, waiver.data_digest, waiver.days) == ("membership-auc", "Bo Alm", DIGEST, 30)
    assert refused == {}
    assert "already" in failure(*signing, "--into", tmp_path / "waivers.json", "--yes")
    assert len(json.loads((tmp_path / "waivers.json").read_text())) == 1


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (("--days", 91), "lives 91 days, and research allows 90"),
        (("--days", 9, "--rule", "no-decisive-linkage"), "is an absolute stop, which no waiver covers"),
        (("--days", 9, "--rule", "memebership"), "research has no rule memebership"),
        (("--days", 9, "--policy", "ci-smoke", "--rule", "not-all-alike"), "lets no waiver count"),
        (("--days", 9, "--data-digest", "*"), "--data_digest"),
        (("--days", 10**9), "is too long"),
    ],
)
def test_a_waiver_that_could_never_count_is_not_written(more: tuple[object, ...], wanted: str, tmp_path: Path) -> None:
    arguments = ("waiver", "new", *REQUEST, "--data-digest", DIGEST, "--out", tmp_path / "w.yaml", *more)
    assert wanted in failure(*arguments)
    assert not (tmp_path / "w.yaml").exists()


def test_a_waiver_is_for_one_corpus(tmp_path: Path) -> None:
    done = run("waiver", "new", *REQUEST, "--days", 9, "--out", tmp_path / "w.yaml")
    assert (done.exit_code, "say which corpus" in done.output) == (2, True)


@pytest.mark.parametrize("command", ["policy", "waiver"])
def test_each_command_teaches_with_an_example(command: str) -> None:
    group = cli.get_command(None, command)  # type: ignore[arg-type]
    for name in group.commands:  # type: ignore[union-attr]
        shown = run(command, name, "--help")
        assert shown.exit_code == 0
        assert name == "list" or f"deidrelease {command} {name}" in shown.stdout
