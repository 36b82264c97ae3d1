"""A tiny ablation, for real: what is trained how often, what a kill leaves, what fails, and what the table may hold."""

import json
import logging
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from made.ablation_configs import write_ablation, write_notes
from pyarrow import parquet

from deidrelease.auditing.result import read_result
from deidrelease.cli.main import cli
from deidrelease.formats import open_corpus
from deidrelease.stages.audit import SITE_KEY

pytestmark = pytest.mark.slow

GRID = {"share.adapt": [0.5, 1.0], "share.annotator": [0.5, 1.0], "synthetic.share": [0.5, 1.0]}
TIMING = {"seconds", "seconds_shared", "peak_memory_bytes"}
Row = dict[str, Any]


@dataclass
class Done:
    """A finished ablation."""

    config: Path
    out: Path
    result: Result
    log: list[str]

    def rows(self) -> list[Row]:
        return parquet.read_table(self.out / "ablation.parquet").to_pylist()

    def files(self) -> dict[str, tuple[int, int]]:
        found = [path for path in (self.out / "artefacts").rglob("*") if path.is_file() and path.suffix]
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def ablate(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["ablate", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("ablation")
    write_notes(folder)
    config = write_ablation(folder, grid=GRID, audits=["verbatim", "linkage"])
    collector = Collector()
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(collector)
    root.setLevel(logging.DEBUG)
    try:
        result = ablate(config)
    finally:
        root.removeHandler(collector)
        root.setLevel(before)
    yield Done(config, folder / "out", result, collector.messages)


class Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


def test_nothing_is_trained_twice(done: Done) -> None:
    assert done.result.exit_code == 0, done.result.output
    made = Counter(path.parent.name.rsplit("-", 1)[0] for path in (done.out / "artefacts").glob("[!.]*/receipt.json"))
    assert made == {
        "fold": 2, "subset": 2, "annotator": 4, "adapt": 4, "generate": 4, "annotate": 8, "cut": 8, "train": 16,
        "evaluate": 16, "audit": 16,
    }  # fmt: skip
    attempts = [json.loads(path.read_text())["attempts"] for path in (done.out / "artefacts").glob("*/receipt.json")]
    assert set(attempts) == {1}


def test_the_table_is_whole(done: Done) -> None:
    rows = done.rows()
    assert [row["status"] for row in rows] == ["done"] * 16
    assert {row["fold"] for row in rows} == {1, 2}
    assert len({row["cell"] for row in rows}) == 8
    for row in rows:
        assert 0 <= row["gold.strict.f1.low"] <= row["gold.strict.f1"] <= row["gold.strict.f1.high"] <= 1
        assert row["audit.verbatim.status"] == "measured"
        assert 0 < row["seconds_shared"] < row["seconds"]
        assert row["peak_memory_bytes"] > 1e7
    lines = (done.out / "ablation.csv").read_text().splitlines()
    assert lines[0].split(",") == parquet.read_table(done.out / "ablation.parquet").column_names
    assert len(lines) == 17


def test_the_gold_tagger_of_a_share_is_the_annotator_of_it(done: Done) -> None:
    scores: dict[tuple[int, float], set[float]] = {}
    for row in done.rows():
        scores.setdefault((row["fold"], row["share.annotator"]), set()).add(row["gold.strict.f1"])
    assert len(scores) == 4
    assert all(len(found) == 1 for found in scores.values())


def test_hits_add_up_to_the_scores(done: Done) -> None:
    hits = parquet.read_table(done.out / "hits.parquet").to_pylist()
    for row in done.rows():
        own = [hit for hit in hits if (hit["cell"], hit["fold"]) == (row["cell"], row["fold"])]
        assert [hit["patient"] for hit in own] == list(range(12))
        for tagger in ("gold", "synthetic"):
            tp, fp, fn = (sum(hit[f"{tagger}_{name}"] for hit in own) for name in ("tp", "fp", "fn"))
            assert row[f"{tagger}.strict.f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_the_audit_is_told_of_the_patients_that_the_model_learnt_from(done: Done) -> None:
    for row in done.rows():
        facts = read_result(done.out / "artefacts" / row["audit_artefact"] / "result.json").corpora
        assert (facts["train"].notes, facts["train"].patients) == (row["gold_notes_adapt"], row["gold_patients_adapt"])
        assert facts["synthetic"].notes == row["synthetic_notes"]
        assert facts["holdout"].patients == 12


def test_smaller_synthetic_corpora_are_the_first_notes_of_larger_ones(done: Done) -> None:
    folders = [path.parent for path in (done.out / "artefacts").glob("cut-*/receipt.json")]
    whole = {path: path.read_bytes() for path in (done.out / "artefacts").glob("annotate-*/notes.jsonl")}
    for folder in folders:
        cut = (folder / "notes.jsonl").read_bytes()
        digest = json.loads((folder / "receipt.json").read_text())["inputs"]["annotate/notes.jsonl"]
        assert sum(notes.startswith(cut) and len(notes) > len(cut) for notes in whole.values()) >= 1
        assert len(digest) == 64


def test_run_again_nothing_is_made_and_the_tables_are_the_same_bytes(done: Done) -> None:
    names = ("ablation.parquet", "ablation.csv", "hits.parquet")
    before, tables = done.files(), [(done.out / name).read_bytes() for name in names]
    assert ablate(done.config).exit_code == 0
    assert done.files() == before
    assert [(done.out / name).read_bytes() for name in names] == tables


def test_status_and_plan_say_that_all_is_done(done: Done) -> None:
    told = ablate("status", done.out)
    assert told.exit_code == 0
    assert told.output.count(" done ") == 16 + 1  # and the head of the table
    assert "0 are left to make" in ablate("plan", done.config).output


def test_nothing_private_is_in_tables_records_output_or_log(done: Done) -> None:
    notes = list(open_corpus(done.config.parent / "notes.jsonl", "jsonl"))
    private = {note.value(span) for note in notes for span in note.spans if len(note.value(span)) > 5}
    private |= {note.patient_id for note in notes} | {note.note_id for note in notes}
    private |= {line for note in notes for line in note.text.splitlines() if len(line) > 20}
    told = [done.result.output, ablate("status", done.out).output, "\n".join(done.log)]
    told += [(done.out / name).read_text() for name in ("ablation.csv", "config.json")]
    told += [repr(parquet.read_table(done.out / name).to_pydict()) for name in ("ablation.parquet", "hits.parquet")]
    assert [value for value in private for text in told if value in text] == []


KILLED = """
import os, signal, sys
left = [{times}]
def hook(event, arguments):
    if event == "os.rename" and {target!r} in str(arguments[1]):
        left[0] -= 1
        if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""
RUN = """
import sys
from deidrelease.cli.main import cli
cli(["ablate", {config!r}])
"""


def alone(config: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    code = before + RUN.format(config=str(config))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def without_timing(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in TIMING} for row in rows]


def test_killed_in_the_middle_it_ends_with_the_same_table(tmp_path: Path) -> None:
    write_notes(tmp_path)
    grid = {"share.adapt": [0.5, 1.0]}
    base = {"generate": {"multiple": 1}}
    whole = write_ablation(tmp_path, base=base, grid=grid, audits=["verbatim"])
    killed = tmp_path / "killed.yaml"
    killed.write_text(yaml.safe_dump({**yaml.safe_load(whole.read_text()), "out": str(tmp_path / "again")}))
    # One site, one key: artefacts are named by it too.
    for name in ("out", "again"):
        (tmp_path / name).mkdir()
        (tmp_path / name / SITE_KEY).write_bytes(bytes(range(32)))
    assert alone(whole).returncode == 0
    out = tmp_path / "again"
    for target, times in (("/train-", 2), ("/.checkpoint/fit/", 3), ("ablation.parquet", 3)):
        ended = alone(killed, KILLED.format(target=target, times=times))
        assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]
    rows = parquet.read_table(out / "ablation.parquet").to_pylist()
    assert {row["status"] for row in rows} == {"done", "missing"}
    assert ablate("status", out).output.count("missing") + ablate("status", out).output.count("begun") >= 1
    ended = alone(killed)
    assert ended.returncode == 0, ended.stderr[-2000:]
    made, again = Done(whole, tmp_path / "out", None, []), Done(killed, out, None, [])  # type: ignore[arg-type]
    assert without_timing(again.rows()) == without_timing(made.rows())
    assert (out / "hits.parquet").read_bytes() == (tmp_path / "out" / "hits.parquet").read_bytes()


def test_a_failed_cell_is_reported_and_the_others_go_on_over_two_processes(tmp_path: Path) -> None:
    write_notes(tmp_path)
    base = {"generate": {"multiple": 1}}
    missing = str(tmp_path / "no-such-model")
    config = write_ablation(tmp_path, base=base, cells=[{"train.epochs": 2}, {"adapt.model": missing}])
    told = ablate(config, "--jobs", 2)
    assert told.exit_code == 4
    assert "failed: adapt: A model cannot be loaded." in told.output
    rows = parquet.read_table(tmp_path / "out" / "ablation.parquet").to_pylist()
    states = {row["adapt.model"]: (row["status"], row["why"].split(":")[0]) for row in rows}
    assert states == {"scratch": ("done", ""), missing: ("failed", "adapt")}
    shown = ablate("status", tmp_path / "out").output
    assert shown.count(" failed ") == 2
    shutil.rmtree(tmp_path / "out" / "artefacts")
    assert ablate("status", tmp_path / "out").output.count(" failed ") == 2


def test_a_probe_measures_every_kind_and_leaves_nothing(tmp_path: Path) -> None:
    write_notes(tmp_path)
    config = write_ablation(tmp_path, grid={"share.adapt": [0.5, 1], "synthetic.share": [0.5, 1]}, audits=["verbatim"])
    told = ablate(config, "--plan")
    assert told.exit_code == 0
    assert "could not be measured" not in told.output
    assert "not measured" not in told.output
    assert "MiB kept" in told.output
    assert list((tmp_path / "out").iterdir()) == []
