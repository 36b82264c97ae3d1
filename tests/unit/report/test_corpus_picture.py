"""The tables and the picture of a corpus: nothing cut off, the same bytes for the same numbers."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deidrelease.corpora.describing import describe
from deidrelease.errors import ConfigError
from deidrelease.notes import Corpus, Located, Note, Span
from deidrelease.report.corpus import corpus_sentence, corpus_tables, draw_corpus, refuse_ending

LONG = "A_RATHER_LONG_NAME_OF_A_TYPE_OF_PII"


class Shard:
    def read(self):  # type: ignore[no-untyped-def]
        for number in range(200):
            spans = [Span(0, 3, LONG), Span(4, 5 + number % 3, f"T{number % 60}")]
            yield Located("here", Note(f"n{number}", f"p{number // 2}", "Roe" + " x" * (number * 12 + 3), tuple(spans)))


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return describe(Corpus("corpus", (Shard(),))).as_record("corpus")


def test_the_tables_show_every_type_whole(record: dict[str, Any]) -> None:
    console = Console(width=124, file=io.StringIO())
    for table in corpus_tables(record):
        console.print(table)
    shown = console.file.getvalue()
    assert "…" not in shown
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert rows[LONG] == ["200", "200", "1", "3", "1.000", "[0.207,", "1.000]"]
    assert rows["quantile"] == ["5%", "25%", "50%", "75%", "95%", "largest"]
    assert len([name for name in rows if name.startswith("T")]) == 60
    assert corpus_sentence(record).startswith("200 notes of 100 patients, ")
    assert "400 spans of 61 types; 0 notes without a span" in corpus_sentence(record)


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_the_same_numbers_give_the_same_picture(record: dict[str, Any], tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        draw_corpus(record, tmp_path / f"{name}{ending}")
    drawn = (tmp_path / f"a{ending}").read_bytes()
    assert drawn == (tmp_path / f"b{ending}").read_bytes()
    assert drawn.startswith(b"\x89PNG" if ending == ".png" else b"<?xml")
    if ending == ".svg":
        words = drawn.decode("utf-8")
        assert all(word in words for word in (LONG, "21 others", "400 spans by type", "2 longer notes not shown"))


def test_a_corpus_without_spans_can_be_drawn(tmp_path: Path) -> None:
    class Bare:
        def read(self):  # type: ignore[no-untyped-def]
            yield Located("here", Note("n", "p", ""))

    draw_corpus(describe(Corpus("corpus", (Bare(),))).as_record("corpus"), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_other_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match="neither"):
        refuse_ending(Path("a.pdf"))
