"""Parquet: types that it takes, what is refused and how it is said, bombs in little memory, whole files or none."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions, cells, open_corpus, parquet
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span, digest_of

SECRET = "Lázaro"
SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])
NOTES = [
    Note(
        f"n{i}", f"p{i % 3}", f"{SECRET} \U0001f600\r\n{i}", (Span(0, 6, "NAME"), Span(3, 8, "X")), {"ward": [i, None]}
    )
    for i in range(10)
]


def table(**changes: Any) -> dict[str, Any]:
    whole = {
        "note_id": ["n1", "n2"],
        "patient_id": ["p1", "p1"],
        "text": [f"{SECRET} vino.", ""],
        "spans": pa.array([[{"start": 0, "end": 6, "label": "NAME"}], []], pa.list_(SPAN)),
        "meta": ['{"ward":3}', "{}"],
    }
    return {name: column for name, column in {**whole, **changes}.items() if column is not None}


def file(tmp_path: Path, columns: dict[str, Any] | pa.Table, name: str = "f.parquet", **options: Any) -> Path:
    path = tmp_path / name
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def notes(path: Path, options: ReadOptions = STRICT) -> list[Note]:
    return list(open_corpus(path, "parquet", options))


def problems(path: Path, options: ReadOptions = STRICT) -> list[Problem]:
    found = [item for item in open_corpus(path, "parquet", options).everything() if isinstance(item, Problem)]
    assert not any("zaro" in str(problem) for problem in found)
    assert all(problem.remedy for problem in found)
    return found


EXPECTED = [
    Note("n1", "p1", f"{SECRET} vino.", (Span(0, 6, "NAME"),), {"ward": 3}),
    Note("n2", "p1", ""),
]
SMALL = pa.struct([("start", pa.int32()), ("end", pa.uint16()), ("label", pa.large_string())])
LISTS = pa.struct([("start", pa.list_(pa.int64())), ("end", pa.list_(pa.int64())), ("label", pa.list_(pa.string()))])
SHAPES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "large strings": {"text": pa.array([f"{SECRET} vino.", ""], pa.large_string())},
    "string views": {"text": pa.array([f"{SECRET} vino.", ""], pa.string_view())},
    "bytes": {"text": pa.array([f"{SECRET} vino.".encode(), b""], pa.binary())},
    "dictionaries": {"patient_id": pa.array(["p1", "p1"]).dictionary_encode()},
    "small offsets": {"spans": pa.array([[{"start": 0, "end": 6, "label": "NAME"}], []], pa.large_list(SMALL))},
    "no list for no spans": {"spans": pa.array([[{"start": 0, "end": 6, "label": "NAME"}], None], pa.list_(SPAN))},
    "lists in an object": {
        "spans": pa.array([{"start": [0], "end": [6], "label": ["NAME"]}, {"start": [], "end": [], "label": []}], LISTS)
    },
    "spans as JSON": {"spans": ['[{"start":0,"end":6,"label":"NAME"}]', "[]"]},
    "meta an object": {"meta": None, "note_id": ["n1", "n2"]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_columns_may_have_any_type_that_can_hold_them(shape: str, tmp_path: Path) -> None:
    expected = EXPECTED if shape != "meta an object" else [Note(n.note_id, "p1", n.text, n.spans) for n in EXPECTED]
    assert notes(file(tmp_path, table(**SHAPES[shape]))) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "none"},
        {"compression": "gzip"},
        {"data_page_version": "2.0"},
        {"use_dictionary": False},
        {"row_group_size": 1},
        {"write_batch_size": 1, "data_page_size": 1},
        {"write_page_index": True, "write_page_checksum": True},
        {
            "use_dictionary": False,
            "column_encoding": {"text": "DELTA_BYTE_ARRAY", "note_id": "DELTA_LENGTH_BYTE_ARRAY"},
        },
        {"store_schema": False},
    ],
    ids=str,
)
def test_files_may_be_laid_out_in_any_way(options: dict[str, Any], tmp_path: Path) -> None:
    parquet.write(NOTES, tmp_path / "w.parquet")
    path = file(tmp_path, pq.read_table(tmp_path / "w.parquet"), **options)
    assert notes(path) == NOTES


def test_spans_meta_and_patients_may_be_absent(tmp_path: Path) -> None:
    path = file(tmp_path, table(spans=None, meta=None, patient_id=None))
    assert notes(path, EVERY_NOTE_A_PATIENT) == [Note("n1", "n1", f"{SECRET} vino."), Note("n2", "n2", "")]
    assert [(problem.where, problem.kind) for problem in problems(path)] == [
        (f"{path}: row 1", "no-patient"),
        (f"{path}: row 2", "no-patient"),
    ]


def test_meta_may_be_an_object_and_ids_may_be_integers(tmp_path: Path) -> None:
    path = file(tmp_path, table(note_id=[7, 8], meta=[{"ward": 3}, None]))
    assert [(note.note_id, note.meta) for note in notes(path)] == [("7", {"ward": 3}), ("8", {})]


def test_a_patient_may_stand_in_another_column(tmp_path: Path) -> None:
    path = file(tmp_path, table(patient_id=None, person=[{"mrn": 70}, {"mrn": 71}]))
    source = ReadOptions(PatientSource("field", "person.mrn"))
    assert [note.patient_id for note in notes(path, source)] == ["70", "71"]
    assert {problem.kind for problem in problems(path, EVERY_NOTE_A_PATIENT)} == {"field"}


def test_columns_that_no_one_needs_are_not_read(tmp_path: Path) -> None:
    path = file(tmp_path, {**table(), "picture": [b"\xff" * 100_000, b""]}, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    place = whole.index(b"\xff" * 1000)
    path.write_bytes(whole[: place - 30] + b"\0" * 1000 + whole[place + 970 :])
    assert [problem.what for problem in problems(path)] == ["has 1 field(s) that the format does not know"] * 2


def test_tokens_are_joined_and_tags_are_iob2(tmp_path: Path) -> None:
    columns = {
        "id": ["a", "b"],
        "tokens": [["Ana", "Gil", "vino", "\U0001f600", "Lugo"], []],
        "ner_tags": [["B-PER", "I-PER", "O", "O", "B-LOC"], []],
        "pos_tags": [[1], []],
    }
    path = file(tmp_path, columns)
    assert notes(path, EVERY_NOTE_A_PATIENT) == [
        Note("a", "a", "Ana Gil vino \U0001f600 Lugo", (Span(0, 7, "PER"), Span(15, 19, "LOC"))),
        Note("b", "b", ""),
    ]


TAGS = {
    "B- is missing": ["O", "I-PER"],
    "no tag": ["O", None],
    "no IOB2": ["O", "PER"],
}


@pytest.mark.parametrize("case", TAGS)
def test_tags_that_are_not_iob2_are_named_by_their_place(case: str, tmp_path: Path) -> None:
    path = file(tmp_path, {"id": ["a"], "tokens": [["el", SECRET]], "ner_tags": [TAGS[case]]})
    (problem,) = problems(path, EVERY_NOTE_A_PATIENT)
    assert (problem.where, problem.kind) == (f"{path}: row 1", "label")
    assert problem.what.startswith("tag 1: its label")


def test_a_span_that_does_not_begin_is_mended_by_beginning_it(tmp_path: Path) -> None:
    path = file(tmp_path, {"id": ["a"], "tokens": [["el", SECRET]], "ner_tags": [["O", "I-PER"]]})
    (note,) = notes(path, ReadOptions(PatientSource("note"), mend=True))
    assert note.spans == (Span(3, 9, "PER"),)


BAD: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no text": ({"text": None}, [("field", "column text is missing")]),
    "text a number": ({"text": [1, 2]}, [("field", "column text is not of strings")]),
    "ids with fractions": ({"note_id": [1.0, 2.0]}, [("field", "column note_id is not of strings or integers")]),
    "spans a number": ({"spans": [1, 2]}, [("field", "column spans is not a list of start")]),
    "spans with fractions": (
        {"spans": [[{"start": 0.0, "end": 1.0, "label": "X"}], []]},
        [("field", "column spans is not a list of start")],
    ),
    "spans with a fourth field": (
        {"spans": [[{"start": 0, "end": 1, "label": "X", "text": "x"}], []]},
        [("field", "column spans is not a list of start")],
    ),
    "meta a list": ({"meta": [["a"], []]}, [("field", "column meta is not of strings that hold JSON")]),
    "null id": ({"note_id": [None, "n2"]}, [("field", "note_id is missing, empty")]),
    "empty id": ({"note_id": ["", "n2"]}, [("field", "note_id is missing, empty")]),
    "null patient": ({"patient_id": [None, "p"]}, [("no-patient", "patient_id is missing, empty")]),
    "empty patient": ({"patient_id": ["", "p"]}, [("field", "patient_id is empty")]),
    "null text": ({"text": [None, ""]}, [("field", "text is missing or not a string")]),
    "null offset": (
        {"spans": pa.array([[{"start": None, "end": 6, "label": "X"}], []], pa.list_(SPAN))},
        [("field", "1 span(s), the first of them span 0")],
    ),
    "null span": (
        {"spans": pa.array([[{"start": 0, "end": 6, "label": "X"}, None], []], pa.list_(SPAN))},
        [("field", "1 span(s), the first of them span 1")],
    ),
    "a very long label": (
        {"spans": pa.array([[{"start": 0, "end": 6, "label": SECRET * 200}], []], pa.list_(SPAN))},
        [("field", "1 span(s), the first of them span 0")],
    ),
    "outside": (
        {"spans": pa.array([[{"start": 0, "end": 60, "label": "X"}], []], pa.list_(SPAN))},
        [("offsets", "span 0-60 is empty or lies outside")],
    ),
    "lists of two lengths": (
        {"spans": pa.array([{"start": [0, 1], "end": [6], "label": ["X"]}, None], LISTS)},
        [("field", "spans is not a list")],
    ),
    "meta no JSON": ({"meta": [f"{{{SECRET}", "{}"]}, [("field", "meta is not a JSON object")]),
    "meta no object": ({"meta": ["[1]", "{}"]}, [("field", "meta is not a JSON object")]),
    "half a pair in meta": ({"meta": [r'{"a":"\ud83d"}', "{}"]}, [("surrogate", "meta holds an unpaired")]),
    "Latin-1": (
        {"text": pa.array([SECRET.encode("latin-1"), b""], pa.binary())},
        [("encoding", "byte 1 is not UTF-8")],
    ),
    "NUL": ({"text": [f"{SECRET}\0", ""], "spans": None}, [("control-characters", "control character U+0000 at 6")]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_column_or_row_is_named(case: str, tmp_path: Path) -> None:
    changes, expected = BAD[case]
    path = file(tmp_path, table(**changes))
    found = problems(path)
    assert [problem.kind for problem in found] == [kind for kind, _ in expected]
    for problem, (_, what) in zip(found, expected, strict=True):
        assert problem.what.startswith(what)
        assert problem.where in (str(path), f"{path}: row 1")


def test_latin_1_is_mended_where_that_is_asked_for(tmp_path: Path) -> None:
    path = file(tmp_path, table(text=pa.array([f"{SECRET} vino.".encode("latin-1"), b""], pa.binary())))
    assert notes(path, ReadOptions(mend=True)) == EXPECTED


def test_ids_that_stand_twice_are_named_by_row_over_files(tmp_path: Path) -> None:
    file(tmp_path, table(), "a.parquet", row_group_size=1)
    file(tmp_path, table(note_id=["n3", "n2"], patient_id=["p1", "p2"]), "b.parquet", row_group_size=1)
    (problem,) = problems(tmp_path)
    assert (problem.where, problem.kind) == (f"{tmp_path / 'b.parquet'}: row 2", "note-id-of-two-patients")


def test_every_file_of_a_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + SECRET.encode() + b"PAR1")
    (tmp_path / "b.parquet").write_bytes(b"")
    file(tmp_path, table(), "c.parquet")
    whole = file(tmp_path, table(), "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(whole[:-30])
    (tmp_path / "e.parquet").mkdir()
    found = [(Path(problem.where).name, problem.kind) for problem in problems(tmp_path)]
    assert found == [
        ("a.parquet", "syntax"),
        ("b.parquet", "syntax"),
        ("d.parquet", "syntax"),
        ("e.parquet", "unreadable"),
    ]


def test_a_damaged_group_of_rows_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = file(tmp_path, table(), row_group_size=1, compression="none", use_dictionary=False)
    whole = bytearray(path.read_bytes())
    begin = pq.ParquetFile(path).metadata.row_group(0).column(2).data_page_offset
    whole[begin : begin + 12] = b"\xff" * 12
    path.write_bytes(whole)
    (problem,) = problems(path)
    assert (problem.where, problem.kind) == (f"{path}: row group 1", "syntax")
    shards = open_corpus(path, "parquet").shards
    assert [item.note.note_id for shard in shards for item in shard.read() if not isinstance(item, Problem)] == ["n2"]


def test_a_file_that_would_end_the_process_is_a_problem(tmp_path: Path) -> None:
    # pyarrow 26 calls std::terminate when asked about a column with a histogram of the wrong length.
    path = file(tmp_path, table(), compression="none")
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    for place in range(len(whole) - 8 - footer, len(whole) - 8, 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        list(open_corpus(path, "parquet").everything())


def test_files_and_folders_are_recognised(tmp_path: Path) -> None:
    assert find_format(file(tmp_path, table())).name == "parquet"
    assert find_format(tmp_path).name == "parquet"
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.parquet file"):
        open_corpus(tmp_path / "bare", "parquet")


def test_a_note_larger_than_any_note_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "NOTE_BYTES", 5)
    found = problems(file(tmp_path, table(note_id=["1", "2"], patient_id=["1", "1"], meta=None)))
    assert [(problem.where[-5:], problem.kind) for problem in found] == [("row 1", "too-large")]


@pytest.mark.parametrize("group", [1, 3, 100])
def test_shards_hold_every_row_once_and_can_be_pickled(
    group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet.write(NOTES, tmp_path / "w.parquet")
    path = file(tmp_path, pq.read_table(tmp_path / "w.parquet"), row_group_size=group)
    monkeypatch.setattr(parquet, "SHARD_BYTES", 1)
    corpus = open_corpus(path, "parquet")
    assert len(corpus.shards) == -(-10 // group)
    shards = pickle.loads(pickle.dumps(corpus.shards))
    items = [item for shard in shards for item in shard.read()]
    assert [item.where for item in items if not isinstance(item, Problem)] == [
        f"{path}: row {i + 1}" for i in range(10)
    ]
    assert list(corpus) == NOTES


def test_written_files_are_equal_packed_and_read_by_datasets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        parquet.write(NOTES, tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.row_group(0).column(2).compression == "ZSTD"
    assert not file.metadata.row_group(0).column(2).is_stats_set
    assert open_corpus(tmp_path / "a.parquet").digest() == digest_of(NOTES)


def test_load_dataset_reads_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    path = tmp_path / "a.parquet"
    parquet.write(NOTES, path)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for streaming in (False, True):
        found = datasets.load_dataset(
            "parquet", data_files=str(path), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache")
        )
        rows = list(found)
        assert [(row["note_id"], row["patient_id"], row["text"]) for row in rows] == [
            (note.note_id, note.patient_id, note.text) for note in NOTES
        ]
        assert rows[3]["spans"] == [
            {"start": 0, "end": 6, "label": "NAME"},
            {"start": 3, "end": 8, "label": "X"},
        ]
        assert json.loads(rows[3]["meta"]) == {"ward": [3, None]}


def test_row_groups_are_cut_by_notes_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deidrelease.formats import batches

    monkeypatch.setattr(batches, "BATCH_NOTES", 4)
    parquet.write(NOTES, tmp_path / "a.parquet")
    monkeypatch.setattr(batches, "BATCH_BYTES", 1)
    parquet.write(NOTES, tmp_path / "b.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 3
    assert pq.ParquetFile(tmp_path / "b.parquet").metadata.num_row_groups == 10
    assert notes(tmp_path / "a.parquet") == notes(tmp_path / "b.parquet") == NOTES


def test_no_notes_make_a_file_without_rows(tmp_path: Path) -> None:
    parquet.write([], tmp_path / "a.parquet")
    assert notes(tmp_path / "a.parquet") == []


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("precious")
    with pytest.raises(CorpusError, match="exists already — name a new file"):
        parquet.write(NOTES, path)
    assert path.read_text() == "precious"


def failing() -> Iterator[Note]:
    yield Note("n", "p", SECRET)
    raise RuntimeError


def test_nothing_appears_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        parquet.write(failing(), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="note 2: holds half a surrogate pair"):
        parquet.write([NOTES[0], Note("n", "p", "\ud83d")], tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_nothing_appears_where_the_disk_is_full(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from deidrelease.formats import parquet;"
        "from deidrelease.notes import Note; import random, signal;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "notes = (Note(str(i), 'p', random.randbytes(3000).hex()) for i in range(9000));"
        "parquet.write(notes, Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")


@pytest.mark.skipif(not CORPORA, reason="DEIDRELEASE_CORPORA is not set; it names the folder that holds meddocan/")
def test_meddocan_survives_parquet(tmp_path: Path) -> None:
    corpus = open_corpus(Path(CORPORA) / "meddocan" / "train", options=EVERY_NOTE_A_PATIENT)
    parquet.write(corpus, tmp_path / "a.parquet")
    assert open_corpus(tmp_path / "a.parquet").digest() == corpus.digest()
