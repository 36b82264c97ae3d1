"""The files in ci/ and the pre-commit hooks: their own commands, run in a shell, on a pass and on a block."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from made.audit_results import POLICY, clean_result, leaking_result, write_result

ROOT = Path(__file__).parents[3]
CASES = [("clean", 0), ("leaking", 4), ("missing", 3)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("our policies").mkdir()
    Path("our policies/small.yaml").write_text(POLICY, encoding="utf-8")
    write_result(clean_result(), Path("clean/result.json"))
    write_result(leaking_result(), Path("leaking/result.json"))


def shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As the runners of GitHub and GitLab start a script."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    environment = {**os.environ, "PATH": path, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "ci/github/action.yml").read_text(encoding="utf-8"))
    return document


def run_action(**inputs: str) -> subprocess.CompletedProcess[str]:
    document = action()
    [step] = document["runs"]["steps"]
    given = {name: told.get("default", "") for name, told in document["inputs"].items()} | inputs
    variables = {}
    for name, expression in step["env"].items():
        variables[name] = given[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        Path(name).touch()
        variables[name] = str(Path(name).resolve())
    assert step["shell"] == "bash"
    return shell(step["run"], **variables)


@pytest.mark.parametrize(("result", "code"), CASES)
def test_the_github_action(result: str, code: int) -> None:
    Path("GITHUB_STEP_SUMMARY").write_text("from an earlier step\n")
    done = run_action(result=result, policy="our policies/small.yaml", output="out put")
    assert done.returncode == code, done.stderr
    assert Path("GITHUB_OUTPUT").read_text() == f"exit-code={code}\n"
    summary = Path("GITHUB_STEP_SUMMARY").read_text()
    assert summary.startswith("from an earlier step\n")
    assert ("## Gate: " in summary) == (code != 3)
    written = ["gate.json", "gate.md", "gate.sarif", "gate.xml"] if code != 3 else []
    assert sorted(path.name for path in Path("out put").iterdir()) == written


def test_what_an_earlier_step_left_is_not_taken_for_the_verdict() -> None:
    Path("gate").mkdir()
    Path("gate/gate.md").write_text("## Gate: passed")
    assert run_action(result="missing", policy="our policies/small.yaml").returncode == 3
    assert Path("GITHUB_STEP_SUMMARY").read_text() == ""
    assert not Path("gate/gate.md").exists()


@pytest.mark.parametrize("text", ['"; touch owned; "', "$(touch owned)", "--help"])
def test_no_input_of_the_action_becomes_a_command_or_an_option(text: str) -> None:
    for name in ("result", "policy", "fail-on", "waivers", "trust"):
        needed = {"waivers": "waivers.json"} if name == "trust" else {}
        given = {"result": "clean", "policy": "our policies/small.yaml", **needed, name: text}
        done = run_action(**given)
        assert done.returncode in (2, 3), (name, done.stdout, done.stderr)
    assert not Path("owned").exists()
    assert "${{" not in action()["runs"]["steps"][0]["run"]


def test_the_action_can_fail_on_warnings() -> None:
    assert run_action(result="clean", policy="our policies/small.yaml", **{"fail-on": "warn"}).returncode == 4


@pytest.mark.parametrize(("result", "code"), CASES)
def test_the_gitlab_template(result: str, code: int) -> None:
    [job] = yaml.safe_load((ROOT / "ci/gitlab/deidrelease-gate.yml").read_text(encoding="utf-8")).values()
    told = {"DEIDRELEASE_RESULT": result, "DEIDRELEASE_POLICY": "our policies/small.yaml"}
    done = shell("\n".join(job["script"]), **{**job["variables"], **told})
    assert done.returncode == code, done.stderr
    reports = [Path(path) for path in job["artifacts"]["reports"].values()]
    assert [path.exists() for path in reports] == [code != 3] * len(reports)
    if code == 4:
        quality = json.loads(Path(job["artifacts"]["reports"]["codequality"]).read_text())
        assert "blocker" in {entry["severity"] for entry in quality}
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in job


def test_the_gitlab_template_keeps_forks_out() -> None:
    [job] = yaml.safe_load((ROOT / "ci/gitlab/deidrelease-gate.yml").read_text(encoding="utf-8")).values()
    assert job["rules"][0]["when"] == "never"
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID != $CI_PROJECT_ID" in job["rules"][0]["if"]


def hooks() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}


@pytest.mark.parametrize(("result", "code"), CASES)
def test_the_hook_that_gates(result: str, code: int) -> None:
    import shlex

    hook = hooks()["deidrelease-gate"]
    assert not hook["pass_filenames"]
    arguments = shlex.join([f"{result}/result.json", "--policy", "our policies/small.yaml"])
    assert shell(f"{hook['entry']} {arguments}").returncode == code
    # What stands in the file itself is a usage that the command understands: it misses the file, not an option.
    assert shell(f"{hook['entry']} {shlex.join(hook['args'])}").returncode == 3


def test_the_hook_that_checks_policies() -> None:
    hook = hooks()["deidrelease-policy"]
    good, bad = Path("our policies/small.yaml"), Path("our policies/bad.yaml")
    bad.write_text(POLICY.replace("at_most", "at_mots"), encoding="utf-8")
    assert shell(f"{hook['entry']} '{good}'").returncode == 0
    done = shell(f"{hook['entry']} '{good}' '{bad}'")
    assert done.returncode == 3
    assert "bad.yaml:9:5" in done.stderr
