"""`deidrelease detect` as a user meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.labels import load_label_map

pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")

TEXT = "Ana Ruiz, NASS: 28 12345678 40, ana@example.org"


def line(number: int, **changes: object) -> str:
    spans = [{"start": 0, "end": 8, "label": "NAME"}, {"start": 16, "end": 30, "label": "ID"}]
    record = {"note_id": f"n{number}", "patient_id": "p1", "text": TEXT, "spans": spans, "meta": {"ward": 3}}
    return json.dumps({**record, **changes}) + "\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    path.write_text(line(1) + line(2, text="Sin datos.", spans=[]), encoding="utf-8")
    return path


def run(corpus: Path, out: Path, *more: str) -> str:
    result = CliRunner().invoke(cli, ["detect", str(corpus), "--out", str(out), "--language", "es", *more])
    if isinstance(result.exception, DeidReleaseError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]


def test_spans_are_replaced_by_what_was_found(corpus: Path, tmp_path: Path) -> None:
    output = run(corpus, tmp_path / "found.jsonl")
    first, second = records(tmp_path / "found.jsonl")
    assert first["spans"] == [
        {"start": 16, "end": 30, "label": "ES_NASS"},
        {"start": 32, "end": 47, "label": "EMAIL_ADDRESS"},
    ]
    assert (first["patient_id"], first["text"], first["meta"]) == ("p1", TEXT, {"ward": 3})
    assert second["spans"] == []
    assert "2 notes" in output
    assert "Private" in output
    assert "28 12345678" not in output
    assert "Ruiz" not in output


def test_labels_become_hipaa_classes(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "found.jsonl", "--map", "presidio")
    # Whether a national number is one of social security or of a health plan is the map's to say.
    number = load_label_map("presidio")["ES_NASS"].hipaa
    assert [span["label"] for span in records(tmp_path / "found.jsonl")[0]["spans"]] == [number, "F"]  # type: ignore[attr-defined]


def test_a_score_is_shown_worst_first(corpus: Path, tmp_path: Path) -> None:
    output = run(corpus, tmp_path / "found.jsonl", "--score")
    assert output.index("| NAME | 1 (1) | 0.000 [") < output.index("| ID | 1 (1) | 1.000 [")
    assert "Of 1 notes without any annotation, 0.000%" in output


def test_the_format_follows_the_ending_or_the_option(corpus: Path, tmp_path: Path) -> None:
    brat = tmp_path / "brat"
    run(corpus, brat, "--to", "brat")
    assert len(list(brat.glob("*.ann"))) == 2
    with pytest.raises(DeidReleaseError, match="ending"):
        run(corpus, tmp_path / "found")


def test_nothing_is_replaced(corpus: Path) -> None:
    before = corpus.read_bytes()
    with pytest.raises(DeidReleaseError):
        run(corpus, corpus)
    assert corpus.read_bytes() == before


def test_a_defect_anywhere_stops_it_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    corpus.write_text(line(1) + line(2) + line(3, text=5), encoding="utf-8")
    with pytest.raises(DeidReleaseError, match=r"notes\.jsonl:3"):
        run(corpus, tmp_path / "found.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.jsonl"]


def test_a_label_without_a_meaning_stops_it_before_anything_is_read(corpus: Path, tmp_path: Path) -> None:
    corpus.write_text("no JSON\n", encoding="utf-8")
    with pytest.raises(DeidReleaseError, match="ES_NASS is in no label map"):
        run(corpus, tmp_path / "found.jsonl", "--map", "meddocan")


def test_patients_come_from_where_the_user_says(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "found.jsonl", "--patients", "note")
    assert [record["patient_id"] for record in records(tmp_path / "found.jsonl")] == ["n1", "n2"]


def test_without_patterns_and_tagger_there_is_nothing_to_do(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DeidReleaseError, match="nothing to detect with"):
        run(corpus, tmp_path / "found.jsonl", "--no-patterns")
