"""Hugging Face folders: what `datasets` saves is read, what is written it loads; nothing is fetched, cached or run."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, ReadOptions, hugging_face, open_corpus
from deidrelease.formats.messages import MessageError, PackedError, look_at
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span, digest_of

SECRET = "Lázaro"
NOTES = [
    Note(
        f"n{i}", f"p{i % 3}", f"{SECRET} \U0001f600\r\n{i}", (Span(0, 6, "NAME"), Span(3, 8, "X")), {"ward": [i, None]}
    )
    for i in range(10)
]
datasets.disable_progress_bars()


def saved(path: Path, features: Features | None = None, **columns: Any) -> Path:
    whole = {
        "note_id": ["n1", "n2"],
        "patient_id": ["p1", "p1"],
        "text": [f"{SECRET} vino.", ""],
        "spans": [[{"start": 0, "end": 6, "label": "NAME"}], []],
    }
    Dataset.from_dict(columns or whole, features=features).save_to_disk(str(path))
    return path


def notes(path: Path, options: ReadOptions = STRICT) -> list[Note]:
    return list(open_corpus(path, "hf", options))


def problems(path: Path, options: ReadOptions = STRICT) -> list[Problem]:
    found = [item for item in open_corpus(path, "hf", options).everything() if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) for problem in found)
    return found


def arrow_of(folder: Path) -> Path:
    return next(folder.glob("*.arrow"))


EXPECTED = [Note("n1", "p1", f"{SECRET} vino.", (Span(0, 6, "NAME"),)), Note("n2", "p1", "")]


def test_a_saved_dataset_is_recognised_and_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "d")
    assert find_format(path).name == "hf"
    assert notes(path) == EXPECTED


def test_what_is_written_is_what_datasets_loads(tmp_path: Path) -> None:
    hugging_face.write(NOTES, tmp_path / "d")
    found = datasets.load_from_disk(str(tmp_path / "d"))
    assert found.features == Features(
        {
            "note_id": Value("string"),
            "patient_id": Value("string"),
            "text": Value("string"),
            "spans": List({"start": Value("int64"), "end": Value("int64"), "label": Value("string")}),
            "meta": Value("string"),
        }
    )
    made = [
        Note(
            row["note_id"],
            row["patient_id"],
            row["text"],
            tuple(Span(**span) for span in row["spans"]),
            json.loads(row["meta"]),
        )
        for row in found
    ]
    assert made == NOTES
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "data-00000-of-00001.arrow",
        "dataset_info.json",
        "state.json",
    ]


def test_written_folders_are_equal_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        hugging_face.write(NOTES, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    from deidrelease.formats import batches

    monkeypatch.setattr(batches, "BATCH_NOTES", 3)
    monkeypatch.setattr(hugging_face, "FILE_BYTES", 1)
    hugging_face.write(NOTES, tmp_path / "c")
    assert [path.name for path in sorted((tmp_path / "c").glob("*.arrow"))] == [
        f"data-0000{i}-of-00004.arrow" for i in range(4)
    ]
    assert len(datasets.load_from_disk(str(tmp_path / "c"))) == 10
    for name in ("a", "c"):
        corpus = open_corpus(tmp_path / name)
        assert corpus.digest() == digest_of(NOTES)
        again = pickle.loads(pickle.dumps(corpus.shards))
        assert sum(1 for shard in again for _ in shard.read()) == 10


def test_no_notes_make_a_folder_with_columns(tmp_path: Path) -> None:
    hugging_face.write([], tmp_path / "d")
    assert datasets.load_from_disk(str(tmp_path / "d")).column_names == [
        "note_id",
        "patient_id",
        "text",
        "spans",
        "meta",
    ]
    assert notes(tmp_path / "d") == []


TAGS = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-PER", "I-PER"]))})


def test_tags_have_the_names_of_their_classes(tmp_path: Path) -> None:
    path = saved(tmp_path / "d", TAGS, tokens=[["Ana", "Gil", "vino"], []], ner_tags=[[1, 2, 0], []])
    assert notes(path, EVERY_NOTE_A_PATIENT) == [
        Note("data-00000-of-00001-1", "data-00000-of-00001-1", "Ana Gil vino", (Span(0, 7, "PER"),)),
        Note("data-00000-of-00001-2", "data-00000-of-00001-2", ""),
    ]
    Dataset.from_dict({"tokens": [["Ana"]], "ner_tags": [[1]]}, features=TAGS).to_parquet(str(tmp_path / "t.parquet"))
    assert [note.spans for note in notes(tmp_path / "t.parquet", EVERY_NOTE_A_PATIENT)] == [(Span(0, 3, "PER"),)]


def test_tags_that_are_numbers_without_names_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "d", tokens=[["Ana"]], ner_tags=[[1]])
    (problem,) = problems(path, EVERY_NOTE_A_PATIENT)
    assert (problem.what, problem.kind) == ("ner_tags are numbers, and the file does not name them", "label")


def test_of_several_splits_one_is_to_be_named(tmp_path: Path) -> None:
    one = Dataset.from_dict({"note_id": ["n"], "patient_id": ["p"], "text": [SECRET]})
    DatasetDict({"train": one, "test": one}).save_to_disk(str(tmp_path / "d"))
    assert find_format(tmp_path / "d").name == "hf"
    with pytest.raises(CorpusError, match=f"name one of them: {tmp_path}/d/test, {tmp_path}/d/train"):
        open_corpus(tmp_path / "d")
    assert notes(tmp_path / "d" / "train") == [Note("n", "p", SECRET)]


STATES = {
    "no JSON": b"{",
    "no object": b"[]",
    "no files": b'{"_data_files": []}',
    "a number": b'{"_data_files": [{"filename": 1}]}',
    "a file elsewhere": b'{"_data_files": [{"filename": "../other.arrow"}]}',
    "half a pair": rb'{"_data_files": [{"filename": "\ud83d.arrow"}]}',
    "nested too deeply": b"[" * 100_000,
}


@pytest.mark.parametrize("case", STATES)
def test_a_damaged_state_is_named(case: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "d")
    (path / "state.json").write_bytes(STATES[case])
    with pytest.raises(CorpusError, match=r"state\.json: does not list Arrow files of this folder"):
        open_corpus(path)


def test_rows_chosen_by_an_index_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "d")
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**state, "_indices_data_files": [{"filename": "i.arrow"}]}))
    with pytest.raises(CorpusError, match="chooses rows by an index"):
        open_corpus(path)


def test_cut_and_absent_files_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "d")
    arrow = arrow_of(path)
    whole = arrow.read_bytes()
    for length in (0, 3, 9, 100, len(whole) // 2, len(whole) - 30):
        arrow.write_bytes(whole[:length])
        found = problems(path)
        assert [(problem.where, problem.kind) for problem in found][-1:] == ([(str(arrow), "syntax")])
    arrow.unlink()
    assert [(problem.where, problem.kind) for problem in problems(path)] == [(str(arrow), "unreadable")]


def test_offsets_that_lead_outside_of_a_file_are_found_before_they_are_followed(tmp_path: Path) -> None:
    path = saved(tmp_path / "d", note_id=["a"] * 50, patient_id=["p"] * 50, text=[SECRET] * 50)
    arrow = arrow_of(path)
    whole = arrow.read_bytes()
    # The offsets of `text`: 0, 7, 14 …; the one at 14 now says 2**30.
    place = whole.index((7).to_bytes(4, "little") + (14).to_bytes(4, "little"))
    arrow.write_bytes(whole[: place + 4] + (1 << 30).to_bytes(4, "little") + whole[place + 8 :])
    assert [(problem.where, problem.kind) for problem in problems(path)] == [(str(arrow), "syntax")]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_packed_messages_are_refused(codec: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "d")
    table = pa.table({"note_id": ["n"], "patient_id": ["p"], "text": [SECRET * 100_000]})
    with pa.ipc.new_stream(
        str(arrow_of(path)), table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)
    ) as sink:
        sink.write_table(table)
    with pytest.raises(PackedError):
        look_at(arrow_of(path))
    assert [problem.kind for problem in problems(path)] == ["archive"]


def test_a_packed_dictionary_is_refused(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([SECRET * 1000] * 3).dictionary_encode()})
    for codec, refused in ((None, False), ("zstd", True)):
        path = tmp_path / f"{codec}.arrow"
        with pa.ipc.new_stream(str(path), table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as sink:
            sink.write_table(table)
        if refused:
            with pytest.raises(PackedError):
                look_at(path)
        else:
            look_at(path)


def test_one_value_named_a_million_times_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deidrelease.formats import cells

    monkeypatch.setattr(cells, "FREE_TEXT", 1 << 20)
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int8()), pa.array(["x" * (1 << 15)]))
    table = pa.table({"note_id": [str(i) for i in range(1000)], "text": text})
    path = tmp_path / "f.arrow"
    with pa.ipc.new_stream(str(path), table.schema) as sink:
        sink.write_table(table)
    monkeypatch.setattr(cells, "TEXT_A_BYTE", 10)
    assert [problem.kind for problem in problems(path, EVERY_NOTE_A_PATIENT)] == ["archive"]


def test_an_arrow_file_of_random_access_is_no_stream(tmp_path: Path) -> None:
    table = pa.table({"note_id": ["n"], "text": [SECRET]})
    with pa.ipc.new_file(str(tmp_path / "f.arrow"), table.schema) as sink:
        sink.write_table(table)
    with pytest.raises(MessageError):
        look_at(tmp_path / "f.arrow")
    assert [problem.kind for problem in problems(tmp_path / "f.arrow")] == ["syntax"]


def test_local_files_are_read_when_the_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"note_id,patient_id,text\nn1,p1,{SECRET}\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"note_id": "n2", "patient_id": "p1", "text": SECRET}) + "\n")
    (tmp_path / "load.py").write_text("raise SystemExit(1)")
    assert [note.note_id for note in notes(tmp_path)] == ["n1", "n2"]
    assert not hugging_face.recognises(tmp_path)
    (tmp_path / "bare").mkdir()
    for path in (tmp_path / "bare", tmp_path / "load.py"):
        with pytest.raises(CorpusError, match="holds no data file"):
            open_corpus(path, "hf")


def test_an_existing_target_is_left_alone_and_nothing_appears_where_writing_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[Note]:
        yield NOTES[0]
        raise RuntimeError

    (tmp_path / "d").mkdir()
    with pytest.raises(CorpusError, match="exists already — name a new folder"):
        hugging_face.write(NOTES, tmp_path / "d")
    with pytest.raises(RuntimeError):
        hugging_face.write(failing(), tmp_path / "e")
    with pytest.raises(CorpusError, match="note 1: holds half a surrogate pair"):
        hugging_face.write([Note("n", "p", "\ud83d")], tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


HOME = (
    "import sys, socket; from pathlib import Path; socket.socket.connect = None;"
    "from deidrelease.formats import FORMATS, STRICT, open_corpus; from deidrelease.notes import Note;"
    "FORMATS['hf'].write([Note('n', 'p', 'x')], Path(sys.argv[1]) / 'd');"
    "FORMATS['parquet'].write([Note('n', 'p', 'x')], Path(sys.argv[1]) / 'd.parquet');"
    "assert [len(list(open_corpus(Path(sys.argv[1]) / name))) for name in ('d', 'd.parquet')] == [1, 1]"
)


def test_nothing_is_written_into_the_home_of_the_user(tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", HOME, str(work)],
        check=False,
        env={**clean, "HOME": str(home), "TMPDIR": str(work)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert sorted(path.name for path in work.iterdir()) == ["d", "d.parquet"]


CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")


@pytest.mark.skipif(not CORPORA, reason="DEIDRELEASE_CORPORA is not set; it names the folder that holds meddocan/")
def test_meddocan_survives_a_folder(tmp_path: Path) -> None:
    corpus = open_corpus(Path(CORPORA) / "meddocan" / "train", options=EVERY_NOTE_A_PATIENT)
    hugging_face.write(corpus, tmp_path / "d")
    assert open_corpus(tmp_path / "d").digest() == corpus.digest()
