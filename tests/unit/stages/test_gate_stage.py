"""The gate in the flow: what it reads, what makes it stale, when `run` blocks, and what `check` says beforehand."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from made.audit_results import POLICY, clean_result, leaking_result, report_of, result_of, write_result

from deidrelease import pipeline, release
from deidrelease.cli import flow
from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError, PolicyError
from deidrelease.pipeline import Source
from deidrelease.policy import read_verdict
from deidrelease.settings import GateSettings, ReleaseConfig
from deidrelease.signing.key_files import make_key_pair, read_public_key
from deidrelease.signing.trust import TrustedKey, TrustPolicy, trust_document
from deidrelease.stages.gate import Gate
from deidrelease.work import Finished

MONDAY, TUESDAY = datetime.date(2026, 11, 23), datetime.date(2026, 11, 24)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    write_result(clean_result(), Path("run/audit/result.json"))
    return Path("run")


def settings(**told: object) -> GateSettings:
    return GateSettings.model_validate({"policy": "policy.yaml", **told})


def run(stage: Gate, run_dir: Path) -> Finished:
    audited = run_dir / "audit" / "result.json"
    [finished] = pipeline.run([stage], run_dir, {"audit/result.json": Source(audited, audited.read_text)}, seed=1)
    return finished


def test_it_leaves_a_verdict_that_may_leave(run_dir: Path) -> None:
    finished = run(Gate(settings(), MONDAY), run_dir)
    verdict = read_verdict(run_dir / "gate" / "verdict.json")
    assert (verdict.outcome, verdict.policy) == ("pass", "small")
    assert {name: output.visibility for name, output in finished.receipt.outputs.items()} == {
        "verdict.json": "releasable"
    }


def test_a_day_changes_nothing_where_there_are_no_waivers(run_dir: Path) -> None:
    run(Gate(settings(), MONDAY), run_dir)
    first = (run_dir / "gate" / "verdict.json").read_bytes()
    assert not run(Gate(settings(), TUESDAY), run_dir).ran
    assert "2026" not in first.decode("utf-8")


def test_policy_and_result_make_it_stale(run_dir: Path) -> None:
    run(Gate(settings(), MONDAY), run_dir)
    Path("policy.yaml").write_text(POLICY + "# a remark changes nothing\n", encoding="utf-8")
    assert not run(Gate(settings(), MONDAY), run_dir).ran
    Path("policy.yaml").write_text(POLICY.replace("at_most: 0.6", "at_most: 0.4"), encoding="utf-8")
    assert run(Gate(settings(), MONDAY), run_dir).ran
    assert not read_verdict(run_dir / "gate" / "verdict.json").passed
    write_result(leaking_result(), run_dir / "audit" / "result.json")
    assert run(Gate(settings(), MONDAY), run_dir).ran


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    make_key_pair(tmp_path / "key", "Bo", None)
    public = read_public_key(tmp_path / "key" / "public.pem")
    key = TrustedKey("Bo", frozenset({"waiver"}), public, MONDAY, TUESDAY)
    releasing = make_key_pair(tmp_path / "other", "Al", None)
    assert releasing
    other = TrustedKey(
        "Al", frozenset({"release"}), read_public_key(tmp_path / "other" / "public.pem"), MONDAY, TUESDAY
    )
    whole = TrustPolicy((key, other), frozenset({"0" * 64}), 0, frozenset({"release-audit"}), 400, None)
    (tmp_path / "trust.yaml").write_text(trust_document(whole), encoding="utf-8")
    return tmp_path / "trust.yaml"


def test_with_waivers_the_day_counts_and_so_do_their_bytes(run_dir: Path, trust: Path) -> None:
    Path("waivers.json").write_text("[]")
    told = settings(waivers="waivers.json", trust=str(trust))
    assert run(Gate(told, MONDAY), run_dir).ran
    assert not run(Gate(told, MONDAY), run_dir).ran
    assert run(Gate(told, TUESDAY), run_dir).ran
    Path("waivers.json").write_text("[ ]")
    assert run(Gate(told, TUESDAY), run_dir).ran
    Path("waivers.json").write_text('[{"payload": "nonsense"}]')
    assert run(Gate(told, TUESDAY), run_dir).ran
    verdict = read_verdict(run_dir / "gate" / "verdict.json")
    assert (verdict.outcome, len(verdict.refused_waivers)) == ("blocked", 1)


def config(**sections: Any) -> ReleaseConfig:
    told = {"run_dir": "run", "corpus": {"path": "x", "labels": "demo"}, "gate": {"policy": "policy.yaml"}}
    return ReleaseConfig.model_validate({**told, **sections})


def test_a_policy_that_has_vanished_since_is_named_with_its_setting(run_dir: Path) -> None:
    """`status` reads the run's own record of the configuration: the user has neither file in front of them."""
    stage = Gate(settings(), MONDAY)
    run(stage, run_dir)
    Path("policy.yaml").unlink()
    with pytest.raises(PolicyError, match=r"gate\.policy is policy\.yaml\.\n  policy\.yaml: there is no such policy"):
        pipeline.standings([stage], run_dir, {"audit/result.json": Source(run_dir, lambda: "")}, seed=1)


@pytest.mark.parametrize("gate", [{"policy": "nowhere.yaml"}, {"waivers": "w.json", "trust": "t.yaml"}])
def test_a_run_that_could_not_be_judged_does_not_begin(run_dir: Path, gate: dict[str, str]) -> None:
    before = sorted(run_dir.iterdir())
    with pytest.raises(PolicyError):
        list(release.run(config(gate=gate)))
    assert sorted(run_dir.iterdir()) == before


@pytest.mark.parametrize(
    ("reports", "gated", "passes", "said"),
    [
        (clean_result().audits, True, True, "small 1.0.0: PASS"),
        (leaking_result().audits, True, False, "BLOCKS no-copy"),
        (leaking_result().audits, False, True, ""),
        ((*clean_result().audits, report_of("linkage", {}, "failed", "crashed")), True, False, "BLOCKS audit.linkage"),
        ((*clean_result().audits, report_of("linkage", {}, "failed", "crashed")), False, False, ""),
    ],
)
def test_a_run_ends_as_the_gate_does(
    reports: Any, gated: bool, passes: bool, said: str, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_result(result_of(*reports), run_dir / "audit" / "result.json")
    run(Gate(settings(), MONDAY), run_dir)
    assert flow.show_verdict_of(run_dir, gated) == passes
    assert said in capsys.readouterr().out


def test_nothing_may_be_shared_unless_this_very_run_passed(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(gated: bool) -> str:
        flow.show_results(run_dir, gated)
        return capsys.readouterr().out

    run(Gate(settings(), MONDAY), run_dir)
    assert "the synthetic notes alone; they leave in a signed bundle" in said(gated=True)
    assert "Judged by no policy: nothing here may be shared" in said(gated=False)
    assert "verdict.json" not in said(gated=False)
    Path("policy.yaml").write_text(POLICY.replace("signable: true", "signable: false"), encoding="utf-8")
    run(Gate(settings(), MONDAY), run_dir)
    assert "Nothing here may be shared" in said(gated=True)
    Path("policy.yaml").write_text(POLICY.replace("at_most: 0.6", "at_most: 0.4"), encoding="utf-8")
    run(Gate(settings(), MONDAY), run_dir)
    assert "Nothing here may be shared" in said(gated=True)


@pytest.fixture
def written(run_dir: Path) -> Path:
    spans = [{"start": 8, "end": 11, "label": "NAME"}]
    notes = [{"note_id": f"n{i}", "patient_id": f"p{i}", "text": "Seen by Roe.", "spans": spans} for i in range(60)]
    Path("notes.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes), encoding="utf-8")
    path = run_dir.parent / "config.yaml"
    path.write_text("run_dir: run\ncorpus: {path: notes.jsonl}\ngate: {policy: policy.yaml}\n", encoding="utf-8")
    return path


def check(path: Path, *overrides: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(path), *(part for each in overrides for part in ("--set", each))])


def test_check_finds_what_the_gate_cannot_use(written: Path, trust: Path) -> None:
    assert check(written).exit_code == 0
    for overrides, wanted in [
        (["gate.policy=nowhere"], "there is no such policy"),
        (["gate.waivers=nowhere.json", f"gate.trust={trust}"], "nowhere.json"),
        (["gate.waivers=notes.jsonl", f"gate.trust={trust}"], "waivers"),
        (["gate.waivers=bad.json", f"gate.trust={trust}"], "gate.waivers: number"),
    ]:
        Path("bad.json").write_text("[{}]")
        done = check(written, *overrides)
        assert isinstance(done.exception, DeidReleaseError), done.output
        assert wanted in str(done.exception)
    Path("policy.yaml").write_text(POLICY.replace("judge: low", "judge: lower"), encoding="utf-8")
    assert "policy.yaml:16:5" in str(check(written).exception)


def test_check_says_what_can_never_be_released(written: Path) -> None:
    assert "nothing of it can be released" in check(written, "audit.enabled=false").stderr
    assert "leaves out membership, which small asks for" in check(written, "audit.only=[verbatim]").stderr
    assert "smoke test" in check(written, "gate.policy=ci-smoke").stderr
    assert check(written).stderr.count("warning") == check(written, "gate.policy=research").stderr.count("warning")


def test_a_run_folder_from_before_the_gate_is_still_one(run_dir: Path) -> None:
    document = config().model_dump(mode="json")
    document["audit"]["policy"] = None
    del document["gate"]
    (run_dir / release.CONFIG).write_text(json.dumps(document), encoding="utf-8")
    assert release.recorded_config(run_dir).gate == GateSettings()
