"""Everything that is wrong, in one pass, in bounded memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deidrelease.corpora.converting import Source
from deidrelease.corpora.inspecting import FIRST, inspect
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.defects import KINDS
from deidrelease.notes import Corpus, Located, Note

WriteJsonl = Callable[..., Path]


def test_all_defects_of_all_notes_are_found_at_once(jsonl: WriteJsonl) -> None:
    path = jsonl(
        {"note_id": "n1", "patient_id": "p1", "text": "Roe", "spans": [{"start": 0, "end": 9, "label": "NAME"}]},
        "{",
        {"note_id": "n1", "patient_id": "p1", "text": "a\u0000b"},
        {"note_id": "n3", "text": "Doe"},
        {"note_id": "n4", "patient_id": "p4", "text": "fine"},
        {"note_id": "n4", "patient_id": "p5", "text": "fine"},
        {"note_id": "n5", "patient_id": "p5", "text": " "},
        {"note_id": "n6", "patient_id": "p5", "text": "a\r\nb"},
    )
    told: list[Problem] = []
    findings = inspect(Source(path).open, [told.append])
    assert {name: kind.count for name, kind in findings.defects.items()} == {
        "offsets": 1, "syntax": 1, "control-characters": 1, "no-patient": 1, "note-id-of-two-patients": 1,
    }  # fmt: skip
    assert {name: kind.count for name, kind in findings.advice.items()} == {"empty-note": 1, "line-ends": 1}
    assert (findings.notes, findings.problems) == (3, 5)
    assert [int(problem.where.rpartition(":")[2]) for problem in told] == [1, 2, 3, 4, 6, 7, 8]
    assert findings.as_record("x")["defects"]["offsets"]["means"] == KINDS["offsets"]


def test_a_million_problems_take_no_more_room_than_twenty() -> None:
    class Endless:
        def read(self) -> Iterator[Problem]:
            return (Problem(f"here:{number}", "is bad", "mend it", "syntax") for number in range(100_000))

    findings = inspect(lambda: Corpus("corpus", (Endless(),)))
    kind = findings.defects["syntax"]
    assert kind.count == findings.problems == 100_000
    assert [problem.where for problem in kind.first] == [f"here:{number}" for number in range(FIRST)]


def test_what_keeps_a_corpus_from_being_opened_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Roe")
    (tmp_path / "a.ann").write_text("")
    findings = inspect(Source(tmp_path).open)
    assert [*findings.defects] == ["no-patient"]
    with pytest.raises(CorpusError, match="without details"):
        inspect(lambda: (_ for _ in ()).throw(CorpusError("without details")))  # type: ignore[arg-type,return-value]


def test_a_corpus_without_notes_is_a_problem() -> None:
    assert inspect(lambda: Corpus("corpus", ())).problems == 1


def test_a_corpus_without_defects() -> None:
    class Good:
        def read(self) -> Iterator[Located]:
            yield Located("here:1", Note("n", "p", "text"))

    findings = inspect(lambda: Corpus("corpus", (Good(),)))
    assert (findings.notes, findings.problems, findings.advice) == (1, 0, {})
