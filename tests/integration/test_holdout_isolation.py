"""Nothing before `evaluate` sees the hold-out: no file of it is opened, and its text decides no byte."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deidrelease import release
from deidrelease.formats import jsonl
from deidrelease.notes import Note
from deidrelease.settings import ReleaseConfig
from deidrelease.stages.split import side_of
from deidrelease.work import stage_seed

pytestmark = pytest.mark.slow


def holds_holdout(path: str) -> bool:
    return "holdout" in Path(path).name


def test_only_split_evaluate_and_audit_open_the_holdout(finished: Any) -> None:
    who = {stage for stage, paths in finished.opened.items() if any(map(holds_holdout, paths))}
    assert who == {"split", "evaluate", "audit"}


def test_the_watch_sees_what_stages_read(finished: Any) -> None:
    # Without this, a watch that saw nothing would pass the test above.
    reads = {
        "annotator": ["train.jsonl", "dev.jsonl"],
        "adapt": ["train.jsonl", "dev.jsonl"],
        "generate": ["train.jsonl"],
        "annotate": ["notes.jsonl"],
        "train": ["notes.jsonl"],
        "evaluate": ["train.jsonl", "holdout.jsonl"],
        "audit": ["train.jsonl", "holdout.jsonl", "notes.jsonl"],
        "gate": ["result.json"],
    }
    for stage, names in reads.items():
        assert set(names) <= {Path(path).name for path in finished.opened[stage]}


def test_the_gate_sees_the_result_and_nothing_else_of_the_run(finished: Any) -> None:
    run_dir = str(finished.config.run_dir)
    seen = {Path(path) for path in finished.opened["gate"] if path.startswith(run_dir)}
    written = {path for path in seen if path.relative_to(run_dir).parts[0] == ".gate.partial"}
    assert seen - written == {finished.config.run_dir / "audit" / "result.json"}


def test_nobody_but_split_opens_the_corpus(finished: Any, corpus: Path) -> None:
    who = {stage for stage, paths in finished.opened.items() if str(corpus) in paths}
    assert who == {"split"}


def test_early_stages_never_open_later_ones_or_dev_without_need(finished: Any) -> None:
    for stage in ("generate", "annotate", "train"):
        assert not any(Path(path).name == "dev.jsonl" for path in finished.opened[stage])
    for stage in ("annotate", "train"):
        assert not any("/split/" in path for path in finished.opened[stage])


def test_the_text_of_the_holdout_decides_no_byte(
    make_config: Callable[..., ReleaseConfig], finished: Any, notes: list[Note], tmp_path: Path
) -> None:
    config = finished.config
    seed = stage_seed(config.seed, "split")
    held = [note for note in notes if side_of(note.patient_id, config.split, seed) == "holdout"]
    assert 10 < len(held) < len(notes) - 10
    # Other text of other length, other spans, and a label that nothing else has.
    changed = {note.note_id: replace(note, text="Ñandú 7 " + note.text.upper(), spans=()) for note in held}
    changed[held[0].note_id] = Note(held[0].note_id, held[0].patient_id, "Zyxwv Qqq", note_spans("OTHER"))
    path = tmp_path / "other.jsonl"
    jsonl.write((changed.get(note.note_id, note) for note in notes), path)

    other = {f.receipt.stage: f.receipt for f in release.run(make_config(tmp_path / "run", path=path), until="train")}

    for stage in ("annotator", "adapt", "generate", "annotate", "train"):
        assert (stage, other[stage].outputs) == (stage, finished.receipts[stage].outputs)
        assert other[stage].fingerprint == finished.receipts[stage].fingerprint
    differing = {n for n, o in other["split"].outputs.items() if o != finished.receipts["split"].outputs[n]}
    assert differing == {"holdout.jsonl", "split.json"}


def note_spans(label: str) -> Any:
    from deidrelease.notes import Span

    return (Span(0, 5, label),)
