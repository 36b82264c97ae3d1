"""Who audits by hand, or repeats the audits of a bundle, can hand over what the run noted down."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from made.canaries import canary_folder, made_canaries
from made.notes_of import KEY, corpora_of, notes_of
from made.plugins import register
from made.promises import promising

from deidrelease.auditing.records import records_in
from deidrelease.auditing.result import read_result
from deidrelease.auditing.running import audit
from deidrelease.bundle.rerun import Given, rerun
from deidrelease.cli.main import cli
from deidrelease.engine import LocalEngine
from deidrelease.formats import jsonl
from deidrelease_audits.canary.audit import Canary

TEXTS = ["Seen today, sent home.", "No fever, no cough."]


@pytest.fixture(autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    audits = {"canary": "deidrelease_audits.canary:Canary", "dp": "deidrelease_audits.dp:DifferentialPrivacy"}
    monkeypatch.syspath_prepend(str(register(tmp_path_factory.mktemp("plugin"), audits)))


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    canary_folder(tmp_path / "run" / "adapt", made_canaries(60), 3.0)
    return tmp_path / "run"


def test_the_command_takes_a_runs_folder(run_dir: Path, tmp_path: Path) -> None:
    for name, texts in {"synthetic": TEXTS, "train": ["private"]}.items():
        jsonl.write(notes_of(name, texts), tmp_path / f"{name}.jsonl")
    given = [str(tmp_path / "synthetic.jsonl"), "--private", str(tmp_path / "train.jsonl"), "--only", "canary,dp"]
    for number, options in enumerate(([], ["--run", str(run_dir)])):
        out = tmp_path / f"out{number}"
        done = CliRunner().invoke(cli, ["audit", *given, "--out", str(out), *options])
        assert done.exit_code == 0, done.output
        statuses = {report.audit: report.status for report in read_result(out / "result.json").audits}
        assert statuses == {"canary": "measured" if options else "inconclusive", "dp": "inconclusive"}


def test_repeated_with_the_runs_records_the_numbers_come_out_again(run_dir: Path, tmp_path: Path) -> None:
    records, bundle = records_in(run_dir), tmp_path / "bundle"
    corpora = replace(corpora_of(TEXTS, ["private"]), records=records)
    (bundle / "audit").mkdir(parents=True)
    (bundle / "data").mkdir()
    jsonl.write(list(corpora.synthetic), bundle / "data" / "notes.jsonl")
    result = audit(corpora, {"canary": Canary()}, LocalEngine())
    (bundle / "audit" / "result.json").write_text(json.dumps(result.document()))

    promising(bundle, None)

    given = Given(corpora.train, None, None, KEY, None)
    assert rerun(bundle, replace(given, records=records), LocalEngine()).ok
    without = rerun(bundle, given, LocalEngine())
    assert not without.ok
    assert "was measured, is inconclusive" in {number.remark for number in without.numbers}
