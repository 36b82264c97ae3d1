"""Parquet files that would unpack into far more than they hold on disk: refused, in little memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deidrelease.errors import Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, open_corpus

READ = (
    "import sys; from pathlib import Path; from deidrelease.errors import Problem; import pyarrow.parquet;"
    "from deidrelease.formats import EVERY_NOTE_A_PATIENT, open_corpus; from deidrelease.memory import peak_bytes;"
    "before = peak_bytes(); corpus = open_corpus(Path(sys.argv[1]), 'parquet', EVERY_NOTE_A_PATIENT);"
    "items = [(i.kind if isinstance(i, Problem) else 'note') for i in corpus.everything()];"
    "print(len(items), items[-1], peak_bytes() - before)"
)
MIB = 1 << 20


def zeros(count: int, kind: Any = None) -> pa.Array:
    return pa.array([0], kind or pa.int32()).take(pa.nulls(count, pa.int32()).fill_null(0))


def repeated(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(zeros(count), pa.array([value]))


def one_note_of_many_spans(count: int) -> pa.Table:
    parts = [zeros(count, pa.int64()), zeros(count, pa.int64()), repeated("L" * MIB, count)]
    spans = pa.StructArray.from_arrays(parts, ["start", "end", "label"])
    return pa.table({"note_id": ["a"], "text": ["x"], "spans": pa.ListArray.from_arrays([0, count], spans)})


BOMBS: dict[str, tuple[Any, dict[str, Any], str]] = {
    # What would it take? Two terabytes: one value of 1 MiB, two million times.
    "a long value named by every row": (
        lambda: pa.table({"note_id": repeated("n", 2_000_000), "text": repeated("x" * MIB, 2_000_000)}),
        {"row_group_size": 2_000_000},
        "archive",
    ),
    "fewer of them": (
        lambda: pa.table({"note_id": [str(i) for i in range(1000)], "text": repeated("x" * MIB, 1000)}),
        {},
        "archive",
    ),
    "a page of 130 MiB": (
        lambda: pa.table({"note_id": ["a"], "text": ["x" * (130 * MIB)]}),
        {"use_dictionary": False},
        "archive",
    ),
    "a note of 17 million spans": (lambda: one_note_of_many_spans((1 << 24) + 1), {}, "archive"),
    "spans with one long label": (lambda: one_note_of_many_spans(100_000), {}, "field"),
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_in_little_memory(bomb: str, tmp_path: Path) -> None:
    make, options, kind = BOMBS[bomb]
    path = tmp_path / "f.parquet"
    pq.write_table(make(), path, compression="zstd", **options)
    assert path.stat().st_size < 50_000
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    count, last, peak = done.stdout.split()
    assert (int(count) < 300, last) == (True, kind)
    assert int(peak) < 128 * MIB


def test_a_bomb_is_told_by_its_page_headers_whatever_the_footer_says(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"note_id": ["a"], "text": ["x" * 3000]}), path, compression="zstd", use_dictionary=False)
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    # The header's second field, an i32, is the size of the unpacked page: 3,004 and some levels, as a varint.
    whole = bytearray(path.read_bytes())
    begin = chunk.data_page_offset
    assert whole[begin : begin + 3] == b"\x15\x00\x15"
    assert whole[begin + 3] & 128
    assert not whole[begin + 4] & 128
    # Two bytes of a varint hold 8,191 at most, so make one of five: the page then claims 1 GiB and lies further on.
    lie = bytes(whole[: begin + 3]) + b"\xfe\xff\xff\xff\x0f" + bytes(whole[begin + 5 :])
    path.write_bytes(lie)
    (problem,) = open_corpus(path, "parquet", EVERY_NOTE_A_PATIENT).everything()
    assert isinstance(problem, Problem)
    assert problem.kind == "archive"
