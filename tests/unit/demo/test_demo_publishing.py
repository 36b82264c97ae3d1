"""What the demonstration ends in: a bundle that verifies, or a draft; what is there already is kept if it holds."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from made.finished_runs import POLICY, material_of, write_run
from made.scans import register_scan

from deidrelease import release
from deidrelease.demo.publishing import Published, publish
from deidrelease.policy import load_policy, verdict_document
from deidrelease.policy.judging import Waivers, judge

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run made by hand: how stages stand and what a config says is for the tests of `release`."""
    folder = tmp_path / "run"
    write_run(folder)
    monkeypatch.syspath_prepend(str(register_scan(tmp_path / "scan")))
    monkeypatch.setattr(release, "material_of", material_of)
    config = SimpleNamespace(gate=SimpleNamespace(policy=str(tmp_path / "policy.yaml")))
    monkeypatch.setattr(release, "recorded_config", lambda _: config)
    return folder


def published(run_dir: Path, policy: str = POLICY, now: datetime = NOW) -> Published:
    path = run_dir.parent / "policy.yaml"
    path.write_text(policy, encoding="utf-8")
    verdict = judge(load_policy(path), material_of(run_dir).result, Waivers(), now.date())
    (run_dir / "gate").mkdir(exist_ok=True)
    (run_dir / "gate" / "verdict.json").write_text(json.dumps(verdict_document(verdict)), encoding="utf-8")
    return publish(run_dir, now)


def test_what_passes_is_signed_approved_and_verified(run_dir: Path) -> None:
    done = published(run_dir)
    assert done.verification is not None
    assert done.verification.ok, done.verification.failures
    assert (done.folder, done.trust) == (run_dir / "bundle", run_dir / "trust.yaml")
    assert not (run_dir / "draft").exists()
    assert "proves nothing" in (run_dir / "trust.yaml").read_text(encoding="utf-8")


def test_what_is_there_and_holds_is_kept(run_dir: Path) -> None:
    manifest = run_dir / "bundle" / "manifest.json"
    published(run_dir)
    first = manifest.read_bytes()
    published(run_dir)
    assert manifest.read_bytes() == first
    (run_dir / "bundle" / "data" / "notes-00000.jsonl").write_text("touched", encoding="utf-8")
    again = published(run_dir)
    assert again.verification is not None
    assert again.verification.ok
    assert manifest.read_bytes() != first


def test_under_another_policy_it_is_made_anew(run_dir: Path) -> None:
    published(run_dir)
    newer = published(run_dir, POLICY.replace("1.0.0", "1.1.0"))
    assert newer.verification is not None
    assert newer.verification.facts["policy_version"] == "1.1.0"


def test_what_is_blocked_ends_in_a_draft_and_no_bundle(run_dir: Path) -> None:
    published(run_dir)
    blocked = published(run_dir, POLICY.replace("at_most: 400\n    severity: warn", "at_most: 1"))
    assert (blocked.folder, blocked.verification) == (run_dir / "draft", None)
    assert not (run_dir / "bundle").exists()
    assert "DRAFT" in (blocked.folder / "report" / "report.html").read_text(encoding="utf-8")
    assert not (blocked.folder / "attestations.intoto.jsonl").exists()
