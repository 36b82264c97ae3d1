"""Parquet: a file, or a folder of `.parquet` files read in the order of their names, with the columns of JSONL.

A file is read in groups of rows, a batch at a time. Before a group is unpacked, its page headers say how much that
takes (`pages`); what is refused there, and whatever the library cannot read, is a problem that names file and group.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import batches, cells, columns
from deidrelease.formats.drafts import Draft, DraftShard
from deidrelease.formats.folders import files_ending, holds
from deidrelease.formats.footer import FOOTER_BYTES, Footer, Group, read_footer
from deidrelease.formats.pages import PAGE_BYTES, BombError, PageError, Plan, plan
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.rows import RowReader
from deidrelease.notes import Note

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SHARD_BYTES = 32 * 1024 * 1024
ROWS_A_BYTE = 8
"""The most rows for each byte on disk: ids alone take more."""
_DAMAGED = "restore it from its source, or write it anew"


def recognises(path: Path) -> bool:
    """A `.parquet` file, or a folder with at least one directly in it."""
    return path.suffix == ".parquet" if path.is_file() else holds(path, ".parquet")


def read(path: Path, options: ReadOptions) -> Sequence[DraftShard]:
    """The shards of a file or folder; one that only tells of its defects for a file that cannot be read.

    Raises:
        CorpusError: A folder holds no `.parquet` file.
    """
    files = [path] if path.is_file() else sorted(files_ending(path, ".parquet"))
    if not files:
        remedy = "point to a .parquet file or a folder of them"
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .parquet file", remedy)])
    return [shard for file in files for shard in _shards(file, options)]


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as one file, packed by zstd; it appears whole or not at all, and equal notes give equal bytes.

    Raises:
        CorpusError: `path` exists already, or a note holds half a surrogate pair.
    """
    import pyarrow.parquet as pq

    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new file")])
    repeated = ["patient_id", "spans.list.element.label"]
    # Statistics would put the first and the last text, whole, into the file once more.
    options = {"compression": "zstd", "use_dictionary": repeated, "write_statistics": False, "write_batch_size": 128}
    with atomic_writer(path) as stream, pq.ParquetWriter(stream, batches.schema(), **options) as writer:
        for batch in batches.batches(notes):
            writer.write_batch(batch, row_group_size=batches.BATCH_NOTES)


@dataclass(frozen=True, slots=True)
class Defective:
    """A file that cannot be read, and why."""

    problems: tuple[Problem, ...]

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields what is wrong with it."""
        yield from self.problems


@dataclass(frozen=True, slots=True)
class ParquetShard:
    """Some groups of rows of a file.

    Attributes:
        path: The file.
        groups: By their numbers, with the chunks of those columns that are read.
        first: The number of the first row, from 1.
        texts: Paths of the columns that hold strings.
        layout: What the columns are.
        mend: Whether repairs are allowed.
    """

    path: Path
    groups: tuple[tuple[int, Group], ...]
    first: int
    texts: tuple[str, ...]
    layout: columns.Layout
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each row, or group of rows, that cannot be one."""
        first = self.first
        for number, group in self.groups:
            where = f"{self.path}: row group {number + 1}"
            try:
                yield from self._group(number, group, first)
            except BombError:
                yield _bomb(where)
            except (OSError, PageError, *cells.library_errors()) as error:
                yield _unreadable(where, error)
            first += group.rows

    def _group(self, number: int, group: Group, first: int) -> Iterator[Draft | Problem]:
        packed = sum(chunk.length for chunk in group.chunks)
        if group.rows > ROWS_A_BYTE * max(packed, 1024):
            raise BombError
        with self.path.open("rb") as stream:
            how = plan(stream, group.chunks)
        seen, allowed = 0, cells.text_allowed(packed)
        for batch in self._batches(number, how):
            for item in self._rows(batch, first + seen):
                allowed -= len(item.text) if isinstance(item, Draft) else 0
                if allowed < 0:
                    raise BombError
                yield item
            seen += batch.num_rows
        if seen != group.rows:
            raise PageError

    def _batches(self, number: int, how: Plan) -> Iterator["pa.RecordBatch"]:
        # Dictionaries stay as they are, for otherwise each of a million rows gets its own copy of one long value.
        kept = [path for path in self.texts if path not in how.spelt_out]
        with self.path.open("rb") as stream:
            file = _opened(stream, kept)
            yield from file.iter_batches(how.rows, [number], list(self.layout.columns), use_threads=False)

    def _rows(self, batch: "pa.RecordBatch", first: int) -> Iterator[Draft | Problem]:
        reader = RowReader(self.layout.tags, self.mend)
        for number, row in cells.rows(cells.validated(batch, self.layout), self.layout, first, str(self.path)):
            if isinstance(row, Problem):
                yield row
            else:
                where = cells.row_place(str(self.path), number)
                yield from reader.drafts(row, where, f"{self.path.stem}-{number}")


def _shards(file: Path, options: ReadOptions) -> Iterator[DraftShard]:
    try:
        with file.open("rb") as stream:
            footer = read_footer(stream)
            found = columns.layout(_opened(stream).schema_arrow, options.patients, str(file))
    except BombError:
        yield Defective((_bomb(str(file)),))
    except (OSError, PageError, *cells.library_errors()) as error:
        yield Defective((_unreadable(str(file), error),))
    else:
        if isinstance(found, columns.Layout):
            yield from _grouped(file, footer, found, options.mend)
        else:
            yield Defective(tuple(found))


def _grouped(file: Path, footer: Footer, found: columns.Layout, mend: bool) -> Iterator[ParquetShard]:
    """The groups of rows of a file, small ones together."""
    texts = tuple(leaf.path for leaf in footer.leaves if leaf.text)
    read = {leaf.path for leaf in footer.leaves if leaf.column in found.columns}
    groups: list[tuple[int, Group]] = []
    first, size = 1, 0
    for number, whole in enumerate(footer.groups):
        group = Group(whole.rows, tuple(chunk for chunk in whole.chunks if chunk.column in read))
        groups.append((number, group))
        size += sum(chunk.length for chunk in group.chunks)
        if size >= SHARD_BYTES or number == len(footer.groups) - 1:
            yield ParquetShard(file, tuple(groups), first, texts, found, mend)
            first += sum(group.rows for _, group in groups)
            groups, size = [], 0


def _opened(stream: BinaryIO, kept: Sequence[str] = ()) -> "pq.ParquetFile":
    """The file; columns of strings whose paths are in `kept` stay dictionaries."""
    import pyarrow.parquet as pq

    stream.seek(0)
    limits = {"thrift_string_size_limit": FOOTER_BYTES, "thrift_container_size_limit": 1 << 18}
    # A small buffer keeps a whole column of a group from being read at once.
    options: dict[str, Any] = {"read_dictionary": list(kept), "pre_buffer": False, "buffer_size": 1 << 20}
    return pq.ParquetFile(stream, arrow_extensions_enabled=False, **options, **limits)


def _unreadable(where: str, error: Exception) -> Problem:
    # What the library says may quote the file.
    if isinstance(error, OSError) and error.errno:
        return Problem(where, f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")
    return Problem(where, "is no Parquet, or damaged", _DAMAGED, "syntax")


def _bomb(where: str) -> Problem:
    what = f"unpacks to far more than its size, or has pages of more than {PAGE_BYTES // 2**20} MiB"
    remedy = "write it anew with small pages and row groups (pyarrow: use_dictionary=False, write_batch_size=64)"
    return Problem(where, what, remedy, "archive")
