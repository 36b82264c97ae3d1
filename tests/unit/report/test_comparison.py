"""The table and the picture of a comparison: nothing cut off, nothing that depends on the day."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deidrelease.notes import Note, Span
from deidrelease.report.comparison import comparison_table, draw_comparison
from deidrelease.scoring import Scorer, as_dict, compare, estimates_as_dict, summarise, tally_patients

TEXT = "Roe seen on 3 May."
NAME, DATE = Span(0, 3, "NAME"), Span(12, 17, "DATE")


@pytest.fixture
def result() -> dict[str, Any]:
    notes = [Note(f"n{i}", f"p{i}", TEXT, (NAME, DATE)) for i in range(8)]
    scorer = Scorer(frozenset(), ("DATE", "NAME", "PHONE"))
    gold = tally_patients([(note, note.spans) for note in notes], scorer)
    synthetic = tally_patients([(note, note.spans[: i % 3]) for i, note in enumerate(notes)], scorer)
    return {
        "gold_tagger": as_dict(summarise(gold, 0, 200)),
        "synthetic_tagger": as_dict(summarise(synthetic, 0, 200)),
        "synthetic_minus_gold": estimates_as_dict(compare(synthetic, gold, 0, 200)),
    }


def test_the_table_shows_every_score_with_its_interval(result: dict[str, Any]) -> None:
    console = Console(width=124, file=io.StringIO())
    console.print(comparison_table(result))
    shown = console.file.getvalue()
    assert "…" not in shown
    assert "8 patients, 8 notes, 16 mentions" in shown
    assert "in brackets: 95% intervals over patients" in shown
    # Found by hand: 8 patients with 0, 1, 2, 0, 1, 2, 0, 1 of two mentions each.
    recall = next(line for line in shown.splitlines() if "strict recall" in line)
    assert "1.000 [" in recall
    assert f"{7 / 16:.3f} [" in recall
    assert f"{7 / 16 - 1:.3f} [" in recall


def test_the_picture_is_the_same_every_time_and_leaves_out_types_without_mentions(
    result: dict[str, Any], tmp_path: Path
) -> None:
    digests = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_comparison(result, tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == ["comparison.png", "comparison.svg"]
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    drawing = (tmp_path / "a" / "comparison.svg").read_text(encoding="utf-8")
    assert "NAME  (n = 8)" in drawing
    assert "PHONE" not in drawing
