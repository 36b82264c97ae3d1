"""`deidrelease gate` as a user and a CI meet it: exit codes, lines, files."""

import datetime
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made.audit_results import (
    DIGEST,
    POLICY,
    clean_result,
    leaking_result,
    report_of,
    result_of,
    write_result,
)

from deidrelease.auditing.result import AuditResult
from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.policy import read_verdict

TODAY = datetime.datetime.now(datetime.UTC).date()
FORMATS = ("sarif", "junit", "gitlab", "markdown", "json")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")


def gate(*arguments: object) -> Result:
    done = CliRunner().invoke(cli, ["gate", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def judged(result: AuditResult, *arguments: object) -> Result:
    return gate(write_result(result, Path("audit/result.json")), "--policy", "policy.yaml", *arguments)


def refused(*arguments: object) -> str:
    done = CliRunner().invoke(cli, ["gate", *map(str, arguments)])
    assert isinstance(done.exception, DeidReleaseError), (done.output, done.exception)
    assert done.exception.exit_code == 3
    return str(done.exception)


def test_a_pass_is_exit_code_zero_and_says_what_it_is_not() -> None:
    done = judged(clean_result())
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "small 1.0.0: PASS"
    assert lines[1].startswith("WARNING even-better: the value of membership.auc is 0.52")
    assert lines[2].startswith("Kept: 6 of 7 demands.")
    assert "no proof" in lines[2]


def test_a_block_is_exit_code_four_and_one_line_a_demand() -> None:
    done = judged(leaking_result())
    assert done.exit_code == 4
    lines = done.stdout.splitlines()
    assert lines[0] == "small 1.0.0: BLOCKED"
    assert [line.split(":")[0] for line in lines[1:4]] == [
        "BLOCKS no-copy", "BLOCKS no-membership", "WARNING even-better",
    ]  # fmt: skip
    for part in ("verbatim.decisive is 3", "at most 0", "why: a span that no chance", "what to do: train less, or"):
        assert part in lines[1]
    assert lines[4] == "Kept: 4 of 7 demands. Nothing may be released."


def test_the_documented_output_is_the_real_one() -> None:
    documented = (Path(__file__).parents[3] / "docs/how-to/gate.md").read_text(encoding="utf-8")
    assert judged(leaking_result()).stdout in documented


def test_warnings_block_only_where_they_are_asked_to_and_are_always_told() -> None:
    done = judged(clean_result(), "--fail-on", "warn", *formats("warned"))
    assert done.exit_code == 4
    assert "small 1.0.0: PASS" in done.stdout
    assert "because of --fail-on warn: 1 warning(s)" in done.stdout
    plain = judged(clean_result(), *formats("plain"))
    assert plain.exit_code == 0
    for kind in FORMATS:
        assert Path(f"warned.{kind}").read_bytes() == Path(f"plain.{kind}").read_bytes()
        assert b"even-better" in Path(f"plain.{kind}").read_bytes()


def formats(stem: str) -> list[str]:
    return [argument for kind in FORMATS for argument in ("--format", f"{kind}={stem}.{kind}")]


@pytest.mark.parametrize("make", [clean_result, leaking_result])
def test_every_format_is_written_whatever_the_verdict(make: Callable[[], AuditResult]) -> None:
    done = judged(make(), *formats("out/gate"), "--out", "verdict.json")
    assert done.exit_code == (0 if make is clean_result else 4)
    verdict = read_verdict(Path("verdict.json"))
    assert verdict.passed == (done.exit_code == 0)
    assert verdict.data_digest == DIGEST
    assert Path("verdict.json").read_bytes() == Path("out/gate.json").read_bytes()
    assert json.loads(Path("out/gate.sarif").read_text())["runs"][0]["properties"]["outcome"] == verdict.outcome
    assert len(ET.parse("out/gate.junit").findall(".//testcase")) == len(verdict.judgements)
    assert json.loads(Path("out/gate.gitlab").read_text())[-1]["location"]["path"] == "audit/result.json"
    assert Path("out/gate.markdown").read_text().startswith("## Gate: ")
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(f"gate.{kind}" for kind in FORMATS)


def test_a_folder_stands_for_the_result_in_it() -> None:
    write_result(clean_result(), Path("alone/result.json"))
    write_result(leaking_result(), Path("run/audit/result.json"))
    write_result(clean_result(), Path("run/evaluate/result.json"))
    assert gate("alone", "--policy", "policy.yaml").exit_code == 0
    assert gate("run", "--policy", "policy.yaml").exit_code == 4


def test_a_folder_with_two_results_stands_for_neither() -> None:
    write_result(clean_result(), Path("run/result.json"))
    write_result(leaking_result(), Path("run/audit/result.json"))
    done = gate("run", "--policy", "policy.yaml")
    assert done.exit_code == 2
    assert "holds two results: name run/result.json or run/audit/result.json" in done.stderr


def test_all_that_one_audit_leaves_unjudged_stands_in_its_line() -> None:
    reason = "The hold-out has 3 annotated patients; 20 are needed"
    found = result_of(report_of("pii_residual", {}, "inconclusive", reason), report_of("pii_replay", {"decisive": 0}))
    done = gate(write_result(found, Path("result.json")), "--policy", "hipaa-safe-harbor")
    assert done.exit_code == 4
    [line] = [line for line in done.stdout.splitlines() if "audit.pii_residual:" in line]
    assert line.count(reason) == 1
    assert "what to do: give it what it lacks, and audit again" in line
    unjudged = line.partition("leaves unjudged: ")[2]
    assert unjudged.startswith("coverage.A, coverage.B, ")
    assert unjudged.endswith("detectors-see, untagged-hits")
    assert "BLOCKS coverage.A" not in done.stdout


def test_a_place_elsewhere_is_told_by_name_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_result(leaking_result(), tmp_path_factory.mktemp("secret-ward") / "result.json")
    gate(path, "--policy", "policy.yaml", *formats("x"))
    for kind in FORMATS:
        assert "secret-ward" not in Path(f"x.{kind}").read_text(encoding="utf-8")
    results = json.loads(Path("x.sarif").read_text())["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "result.json"


def test_a_name_that_is_no_uri_becomes_one() -> None:
    path = write_result(leaking_result(), Path("a: b/ñ #1.json"))
    gate(path, "--policy", "policy.yaml", "--format", "sarif=x.sarif")
    results = json.loads(Path("x.sarif").read_text())["runs"][0]["results"]
    uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%3A%20b/%C3%B1%20%231.json"


CLOSED: dict[str, Callable[[], AuditResult]] = {
    "an audit is missing": lambda: result_of(report_of("verbatim", {"decisive": 0})),
    "a metric is missing": lambda: result_of(report_of("verbatim", {"decisive": 0}), report_of("membership", {})),
    "an audit was inconclusive": lambda: result_of(
        report_of("verbatim", {"decisive": 0}),
        report_of("membership", {"auc": 0.5}, "inconclusive", "too few patients"),
    ),
    "another audit failed": lambda: result_of(*clean_result().audits, report_of("linkage", {}, "failed", "crashed")),
    "not every note was scanned": lambda: result_of(*clean_result().audits, scanned=9),
    "there was nothing to scan": lambda: result_of(*clean_result().audits, scanned=0, total=0),
    "there is no private corpus": lambda: result_of(*clean_result().audits, arms=("synthetic",)),
}


@pytest.mark.parametrize("case", sorted(CLOSED))
def test_what_nobody_measured_blocks(case: str) -> None:
    done = judged(CLOSED[case](), *formats("x"))
    assert done.exit_code == 4
    assert "BLOCKS" in done.stdout
    assert json.loads(Path("x.json").read_text())["outcome"] == "blocked"


def test_rules_on_an_audit_that_measured_nothing_share_a_line() -> None:
    nothing = report_of("membership", {}, "inconclusive", "too few patients")
    done = judged(result_of(report_of("verbatim", {"decisive": 1}), nothing))
    assert [line.split(";")[0] for line in done.stdout.splitlines()[1:-1]] == [
        "BLOCKS audit.membership: audit membership is inconclusive: too few patients",
        "BLOCKS no-copy: verbatim.decisive is 1, limit: at most 0",
    ]
    assert "leaves unjudged: even-better, no-membership" in done.stdout
    assert "Kept: 3 of 7 demands." in done.stdout


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "not JSON"),
        ("[]", "is not of the format"),
        ('{"format": 1, "format": 2}', "key twice"),
        ('{"format": NaN}', "NaN"),
        ("[" * 100, "nested deeper"),
        ("\ufeff{}", "not JSON"),
    ],
)
def test_a_result_that_cannot_be_read_is_exit_code_three(text: str, wanted: str) -> None:
    Path("result.json").write_text(text, encoding="utf-8")
    assert wanted in refused("result.json", "--policy", "policy.yaml", *formats("x"))
    assert not list(Path().glob("x.*"))


def test_a_file_without_end_is_refused_in_time() -> None:
    assert "larger than" in refused("/dev/zero", "--policy", "policy.yaml")


def test_a_number_beyond_all_is_no_result() -> None:
    path = write_result(clean_result(), Path("result.json"))
    text = path.read_text().replace('"value": 0.52', '"value": 1e999').replace('"high": 0.59', '"high": 1e999')
    path.write_text(text)
    assert "finite" in refused(path, "--policy", "policy.yaml")


def test_a_key_that_stands_twice_does_not_hide_the_worse_number() -> None:
    path = write_result(leaking_result(), Path("result.json"))
    path.write_text(path.read_text().replace('"value": 3,', '"value": 3, "value": 0,', 1))
    assert "key twice" in refused(path, "--policy", "policy.yaml")


def test_what_is_missing_is_named() -> None:
    write_result(clean_result(), Path("result.json"))
    assert "nowhere" in refused("nowhere", "--policy", "policy.yaml")
    assert "no-such-policy" in refused("result.json", "--policy", "no-such-policy")
    assert "t.yaml" in refused(Path(), "--policy", "policy.yaml", "--waivers", "w.json", "--trust", "t.yaml")
    Path("policy.yaml").write_text(POLICY.replace("at_most", "at_mots"), encoding="utf-8")
    assert "policy.yaml:9:5" in refused("result.json", "--policy", "policy.yaml")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--policy"],
        ["--policy", "policy.yaml", "--fail-on", "never"],
        ["--policy", "policy.yaml", "--format", "sarif"],
        ["--policy", "policy.yaml", "--format", "sarif="],
        ["--policy", "policy.yaml", "--format", "pdf=x"],
        ["--policy", "policy.yaml", "--format", "sarif=x", "--format", "junit=./x"],
        ["--policy", "policy.yaml", "--format", "json=x", "--out", "x"],
        ["--policy", "policy.yaml", "--out", "result.json"],
        ["--policy", "policy.yaml", "--out", "policy.yaml"],
        ["--policy", "policy.yaml", "--waivers", "w.json"],
    ],
)
def test_usage_is_exit_code_two_and_writes_nothing(arguments: list[str]) -> None:
    write_result(clean_result(), Path("result.json"))
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert gate("result.json", *arguments).exit_code == 2
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_what_cannot_be_written_is_exit_code_three() -> None:
    write_result(clean_result(), Path("result.json"))
    Path("folder").mkdir()
    Path("link").symlink_to("elsewhere")
    for target in ("folder", "link", "result.json/x", "/dev/null"):
        assert "cannot be written" in refused("result.json", "--policy", "policy.yaml", "--format", f"json={target}")
    assert not Path("elsewhere").exists()
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("policy", ["ci-smoke", "research", "hipaa-safe-harbor", "gdpr-wp216", "strict-research"])
def test_the_shipped_policies_pass_nothing_that_measured_two_things(policy: str) -> None:
    write_result(clean_result(), Path("result.json"))
    done = gate("result.json", "--policy", policy)
    assert done.exit_code == 4
    assert done.stdout.startswith(policy)


def test_a_narrow_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys as system

    from deidrelease.cli.gate_display import show_verdict
    from deidrelease.policy import decide, load_policy

    printed: list[str] = []
    monkeypatch.setattr("click.echo", printed.append)
    monkeypatch.setattr(system.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    show_verdict(decide(load_policy("policy.yaml"), leaking_result()))
    lines = "\n".join(printed).splitlines()
    assert len(lines) > 8
    assert all(len(line) <= 60 for line in lines)


HEAVY = ("torch", "numpy", "transformers", "datasets", "matplotlib", "scipy")
ALONE = """
import sys
sys.argv = ["deidrelease", "gate", "result.json", "--policy", "policy.yaml", "--format", "sarif=x.sarif", "--format",
            "junit=x.xml", "--format", "gitlab=x.json", "--format", "markdown=x.md", "--out", "v.json"]
from deidrelease.cli.main import main
try:
    main()
except SystemExit as error:
    assert error.code in (None, 0), error.code
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


def test_it_loads_nothing_heavy_and_opens_no_private_file(tmp_path: Path) -> None:
    write_result(clean_result(), Path("result.json"))
    for name in ("findings.private.jsonl", "site.key"):
        Path(name).write_text("private")
        Path(name).chmod(0)
    code = ALONE.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (0, "[]"), done.stderr


def test_the_exit_codes_of_the_real_command(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("deidrelease")
    for name, make in (("clean", clean_result), ("leaking", leaking_result)):
        write_result(make(), tmp_path / name / "result.json")

    def code(*arguments: str) -> int:
        return subprocess.run([str(command), "gate", *arguments], capture_output=True, check=False).returncode

    assert code("clean", "--policy", "policy.yaml") == 0
    assert code("leaking", "--policy", "policy.yaml") == 4
    assert code("missing", "--policy", "policy.yaml") == 3
    assert code("clean") == 2
