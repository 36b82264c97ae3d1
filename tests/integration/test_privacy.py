"""What people read, paste and send along — logs, receipts, results, counts — holds no PII value and no patient id."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from deidrelease.notes import Note


def private_strings(notes: list[Note]) -> set[str]:
    values = {note.value(span) for note in notes for span in note.spans}
    return {v for v in values if len(v) >= 5} | {note.patient_id for note in notes} | {note.note_id for note in notes}


def leaked(text: str, notes: list[Note]) -> list[str]:
    return sorted(value for value in private_strings(notes) if value in text)


def test_there_is_something_to_leak(notes: list[Note], corpus: Path) -> None:
    assert len(private_strings(notes)) > 500
    assert len(leaked(corpus.read_text(encoding="utf-8"), notes)) == len(private_strings(notes))


def test_the_log_is_clean(finished: Any, notes: list[Note]) -> None:
    log = "\n".join(finished.log)
    assert "epoch 1" in log
    assert "split: attempt 1" in log
    assert leaked(log, notes) == []


def test_receipts_are_clean(finished: Any, notes: list[Note]) -> None:
    receipts = sorted(finished.config.run_dir.glob("*/receipt.json"))
    assert len(receipts) == 9
    for receipt in receipts:
        assert leaked(receipt.read_text(encoding="utf-8"), notes) == []


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "split/split.json",
        "annotator/training.json",
        "adapt/adaptation.json",
        "generate/generation.json",
        "annotate/annotation.json",
        "train/training.json",
        "evaluate/result.json",
        "evaluate/comparison.svg",
        "audit/result.json",
        "gate/verdict.json",
    ],
)
def test_summaries_are_clean(finished: Any, notes: list[Note], name: str) -> None:
    text = (finished.config.run_dir / name).read_text(encoding="utf-8")
    # A statistic is called after somebody whose name a patient of the fictitious hospital has too.
    text = re.sub(r"Jensen\WShannon", "", text)
    assert leaked(text, notes) == []
    if name.endswith(".json"):  # nor in a spelling that only JSON has
        assert leaked(json.dumps(json.loads(text), ensure_ascii=False), notes) == []


def test_only_what_is_made_of_synthetic_notes_and_scores_may_leave(finished: Any) -> None:
    leaves = {
        f"{stage}/{name}"
        for stage, receipt in finished.receipts.items()
        for name, output in receipt.outputs.items()
        if output.visibility == "releasable"
    }
    assert {name for name in leaves if not name.startswith("annotate/brat/")} == {
        "annotate/notes.jsonl", "evaluate/result.json", "evaluate/comparison.svg", "evaluate/comparison.png",
        "audit/result.json", "gate/verdict.json",
    }  # fmt: skip


def test_the_run_folder_is_its_owners(finished: Any) -> None:
    assert stat.S_IMODE(finished.config.run_dir.stat().st_mode) == 0o700


def test_peak_memory_and_time_are_recorded(finished: Any) -> None:
    for receipt in finished.receipts.values():
        assert receipt.peak_memory_bytes > 10_000_000
        assert receipt.seconds >= 0
        assert {"python", "torch", "transformers", "numpy"} <= receipt.versions.keys()
