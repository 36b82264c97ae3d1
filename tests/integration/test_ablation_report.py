"""Report and recommendation of an ablation that was really run: they say what its artefacts say, and no more."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from made.ablation_configs import write_ablation, write_notes
from pyarrow import parquet

from deidrelease.ablation.outcomes import read_outcomes
from deidrelease.cli.main import cli
from deidrelease.formats import open_corpus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sizes of the annotator's gold on two folds, with one audit."""
    folder = tmp_path_factory.mktemp("reported")
    write_notes(folder)
    config = write_ablation(folder, grid={"share.annotator": [0.5, 1.0]}, audits=["verbatim"])
    CliRunner().invoke(cli, ["ablate", str(config)], catch_exceptions=False)
    return folder


def test_the_hits_that_are_compared_are_those_of_evaluate(folder: Path) -> None:
    out = folder / "out"
    outcomes = read_outcomes(out)
    rows = parquet.read_table(out / "ablation.parquet").to_pylist()
    assert outcomes.axes == {"share.annotator": (0.5, 1.0)}
    assert [cell.whole for cell in outcomes.cells] == [
        all(row["status"] == "done" for row in rows if row["cell"] == cell.id) for cell in outcomes.cells
    ]
    assert outcomes.whole
    for cell in outcomes.whole:
        for run in cell.runs:
            of_fold = outcomes.counts[cell.id][outcomes.folds == run.fold]
            for tagger, counts in zip(("gold", "synthetic"), of_fold.sum(axis=0), strict=True):
                tp, fp, fn = map(int, counts)
                assert run.number(f"{tagger}.strict.f1") == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_they_are_reported_and_nothing_private_is_in_the_report(folder: Path) -> None:
    told = CliRunner().invoke(cli, ["ablate", "report", str(folder / "out")], catch_exceptions=False)
    assert told.exit_code == 0
    report = folder / "out" / "report"
    text = (report / "summary.md").read_text(encoding="utf-8")
    assert "2 cells, 2 folds by patient" in text
    assert "(`share.annotator`): 50%, 100%" in text
    notes = list(open_corpus(folder / "notes.jsonl", "jsonl"))
    private = {note.value(span) for note in notes for span in note.spans if len(note.value(span)) > 5}
    private |= {note.patient_id for note in notes} | {note.note_id for note in notes}
    readable = [path for path in report.iterdir() if path.suffix in (".md", ".csv", ".svg")]
    assert len(readable) > 3
    shown = [told.output, *(path.read_text(encoding="utf-8") for path in readable)]
    assert [value for value in private for each in shown if value in each] == []


def test_a_policy_that_asks_for_more_audits_than_were_run_recommends_nothing(folder: Path) -> None:
    told = CliRunner().invoke(cli, ["ablate", "recommend", str(folder / "out"), "--json"], catch_exceptions=False)
    assert told.exit_code == 4
    document = json.loads(told.stdout)
    assert document["recommended"] is None
    assert document["policy"]["name"] == "research"
    for candidate in document["candidates"]:
        assert candidate["runs_passed"] == 0
        assert "audit.membership" in candidate["blocking"]
        assert "audit.verbatim" not in candidate["blocking"]
