"""The audit stage hands over what trainings noted down, where they promise or planted anything, and nowhere else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.canaries import canary_folder, made_canaries
from made.plugins import register
from made.promises import guarantee_folder, promise

from deidrelease import pipeline, release
from deidrelease.auditing.records import LEDGER, records_in
from deidrelease.auditing.result import AuditResult, read_result
from deidrelease.formats import jsonl, open_corpus
from deidrelease.keys import load_or_make_key
from deidrelease.notes import Note
from deidrelease.pipeline import Source
from deidrelease.privacy.account import Account
from deidrelease.privacy.guarantee import events_of
from deidrelease.privacy.totals import Budget
from deidrelease.settings import AuditSettings, ReleaseConfig
from deidrelease.stages.audit import SITE_KEY, Audit
from deidrelease.work import Finished

pytestmark = pytest.mark.slow

NEW = {"canary": "deidrelease_audits.canary:Canary", "dp": "deidrelease_audits.dp:DifferentialPrivacy"}
SETTINGS = AuditSettings(only=["canary", "dp"], language="en")


@pytest.fixture(autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(register(tmp_path_factory.mktemp("plugin"), NEW)))


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    sources = {}
    for name in ("annotate/notes.jsonl", "split/train.jsonl", "split/holdout.jsonl"):
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        jsonl.write((Note(f"{name}{i}", f"{name}{i}", f"Seen on day {i} of {name}.") for i in range(3)), path)
        sources[name] = Source(path, path.read_text)
    (tmp_path / "run").mkdir()
    load_or_make_key(tmp_path / "run" / SITE_KEY)
    sources[SITE_KEY] = Source(tmp_path / "run" / SITE_KEY, lambda: "one")
    (tmp_path / "annotator").mkdir()
    sources["annotator"] = Source(tmp_path / "annotator", lambda: "none")
    sources["adapt"] = Source(canary_folder(tmp_path / "adapt", made_canaries(60), 3.0), lambda: "one")
    return sources


@pytest.fixture
def account(sources: dict[str, Source], tmp_path: Path) -> Account:
    return Account(
        tmp_path / "ledgers", lambda: open_corpus(sources["split/train.jsonl"].path, "jsonl"), tmp_path / "run"
    )


@contextmanager
def spent(account: Account, noise: float, folder: Path) -> Iterator[None]:
    events = events_of(promise(noise))
    with account.private("adapt", events, 1e-4, "patient", 1, folder) as step:
        step.counted(events)
        yield


def run(stage: Audit, sources: dict[str, Source], run_dir: Path) -> tuple[Finished, AuditResult]:
    [finished] = pipeline.run([stage], run_dir, sources, seed=1)
    return finished, read_result(run_dir / "audit" / "result.json")


def values(result: AuditResult, name: str) -> dict[str, float]:
    report = result.report(name)
    assert report is not None
    return {metric: estimate.value for metric, estimate in report.metrics.items()}


def test_without_records_both_audits_are_inconclusive(sources: dict[str, Source], tmp_path: Path) -> None:
    stage = Audit(SETTINGS, "demo", "auto")
    assert "adapt" not in stage.after
    assert "ledger" not in stage.settings()
    _, result = run(stage, sources, tmp_path / "run")
    assert [report.status for report in result.audits] == ["inconclusive", "inconclusive"]


def test_canaries_are_handed_over(sources: dict[str, Source], tmp_path: Path) -> None:
    finished, result = run(Audit(SETTINGS, "demo", "auto", records=("adapt",)), sources, tmp_path / "run")
    assert values(result, "canary")["auc"] > 0.9
    assert result.report("dp").status == "inconclusive"  # type: ignore[union-attr]
    assert not (tmp_path / "run" / "audit" / LEDGER).exists()
    assert "adapt" in finished.receipt.inputs


def test_a_promise_comes_with_what_all_runs_spent(sources: dict[str, Source], account: Account, tmp_path: Path) -> None:
    guarantee_folder(sources["adapt"].path, noise=1.5)
    with spent(account, 1.5, tmp_path / "c"):
        pass
    stage = Audit(SETTINGS, "demo", "auto", records=("adapt", "annotator"), account=account)
    finished, result = run(stage, sources, tmp_path / "run")
    told = values(result, "dp")
    assert told["epsilon"] == pytest.approx(promise(1.5).epsilon)
    assert told["cumulative_epsilon"] == pytest.approx(told["epsilon"], rel=2e-3)
    assert told["cumulative_delta"] == 1e-4
    assert finished.receipt.outputs[LEDGER].visibility == "private"
    assert not run(stage, sources, tmp_path / "run")[0].ran

    other = replace(account, run_dir=tmp_path / "other")
    with spent(other, 1.5, tmp_path / "d"):
        pass
    finished, result = run(stage, sources, tmp_path / "run")
    assert finished.ran
    assert values(result, "dp")["cumulative_epsilon"] > told["cumulative_epsilon"] * 1.2
    assert values(result, "dp")["epsilon"] == told["epsilon"]


def test_a_release_makes_no_audit_stale(account: Account, tmp_path: Path) -> None:
    with spent(account, 1.5, tmp_path / "c"):
        pass
    before = account.spent_digest()
    ledger = account.ledger()
    ledger.release("ab" * 16, ledger.run_digest(account.run_dir))
    assert account.spent_digest() == before


def test_with_a_budget_the_sum_is_at_its_delta(sources: dict[str, Source], account: Account, tmp_path: Path) -> None:
    guarantee_folder(sources["adapt"].path, noise=1.5)
    account = replace(account, budget=Budget(20.0, 1e-6))
    with spent(account, 1.5, tmp_path / "c"):
        pass
    _, result = run(Audit(SETTINGS, "demo", "auto", records=("adapt",), account=account), sources, tmp_path / "run")
    told = values(result, "dp")
    assert (told["cumulative_delta"], told["delta"]) == (1e-6, 1e-4)
    assert told["cumulative_epsilon"] > told["epsilon"]


def test_a_training_without_a_bound_leaves_no_sum(sources: dict[str, Source], account: Account, tmp_path: Path) -> None:
    guarantee_folder(sources["adapt"].path, noise=1.5)
    with spent(account, 1.5, tmp_path / "c"):
        pass
    with account.unbounded("annotator", tmp_path / "e"):
        pass
    _, result = run(Audit(SETTINGS, "demo", "auto", records=("adapt",), account=account), sources, tmp_path / "run")
    assert set(values(result, "dp")) == {"epsilon", "delta"}
    assert json.loads((tmp_path / "run" / "audit" / LEDGER).read_text())["epsilon"] is None


@pytest.mark.parametrize(
    ("told", "records", "adds_up"),
    [
        ({}, (), False),
        ({"adapt": {"canaries": {}}}, ("adapt",), False),
        ({"adapt": {"model": "m", "dp": {"epsilon": 3}}}, ("adapt",), True),
        ({"annotator": {"model": "m", "dp": {"epsilon": 3}}}, ("annotator",), True),
        ({"adapt": {"model": "m", "dp": {"epsilon": 3}}, "annotator": {"model": "m", "dp": {"epsilon": 3}}},
         ("adapt", "annotator"), True),
    ],
)  # fmt: skip
def test_a_run_hands_over_what_its_settings_make(
    told: dict[str, Any], records: tuple[str, ...], adds_up: bool, tmp_path: Path
) -> None:
    config = ReleaseConfig.model_validate({"run_dir": str(tmp_path), "corpus": {"path": "x", "labels": "demo"}, **told})
    [stage] = [stage for stage in release.stages_of(config) if isinstance(stage, Audit)]
    assert stage.records == records
    assert (stage.account is not None) == adds_up


def test_the_records_of_a_finished_run_are_found_by_name(tmp_path: Path) -> None:
    assert records_in(tmp_path) == {}
    for name in ("adapt", "annotator", "audit"):
        (tmp_path / name).mkdir()
    assert set(records_in(tmp_path)) == {"adapt", "annotator"}
    (tmp_path / "audit" / LEDGER).write_text("{}")
    assert set(records_in(tmp_path)) == {"adapt", "annotator", "ledger"}
