"""Hugging Face `datasets`: folders of `save_to_disk`, and the local files that `load_dataset` takes.

Reading goes past the library: it would build caches of private text in the user's home, infer types, and look for
scripts. A folder's Arrow files are mapped, so that they take no memory, after a look that nothing in them is packed.
Nothing is executed, copied, or fetched. What is written here loads with `datasets.load_from_disk`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.artifacts import atomic_folder, sha256_file, sha256_text
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import batches, cells, columns, data_files, parquet
from deidrelease.formats.drafts import Draft, DraftShard
from deidrelease.formats.messages import MessageError, PackedError, look_at
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.rows import RowReader
from deidrelease.notes import Note

if TYPE_CHECKING:
    import pyarrow as pa

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
FILE_BYTES = 256 * 1024 * 1024
"""About how much text one Arrow file gets when it is written."""
_FILE = re.compile(r"[\w-][\w.-]*\.arrow", re.ASCII)
_STATE_BYTES = 64 * 1024 * 1024


def recognises(path: Path) -> bool:
    """A folder of `Dataset.save_to_disk`, or of `DatasetDict.save_to_disk`."""
    return path.is_dir() and ((path / SPLITS).is_file() or ((path / STATE).is_file() and (path / INFO).is_file()))


def read(path: Path, options: ReadOptions) -> Sequence[DraftShard]:
    """The shards of a folder of `save_to_disk`, or of local data files: `.parquet`, `.arrow`, `.csv`, `.tsv`, `.json`.

    Raises:
        CorpusError: A folder has several splits, was saved in part only, or holds no data file.
    """
    if path.is_dir() and (path / SPLITS).is_file():
        raise _several_splits(path)
    if path.is_dir() and (path / STATE).is_file():
        return [ArrowShard(path / name, options) for name in _saved_files(path / STATE)]
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix.lower() in _READERS)
    if not files or any(file.suffix.lower() not in _READERS for file in files):
        remedy = f"point to a folder of save_to_disk, or to files of {' '.join(_READERS)}"
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no data file", remedy)])
    return [shard for file in files for shard in _READERS[file.suffix.lower()](file, options)]


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as a folder of `save_to_disk` that appears whole or not at all.

    Raises:
        CorpusError: `path` exists already, or a note holds half a surrogate pair.
    """
    from datasets import Features

    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new folder")])
    features = Features.from_arrow_schema(batches.schema())
    with atomic_folder(path) as folder:
        parts = _write_parts(batches.batches(notes), folder, features.arrow_schema)
        names = [f"data-{number:05d}-of-{len(parts):05d}.arrow" for number in range(len(parts))]
        for part, name in zip(parts, names, strict=True):
            part.rename(folder / name)
        fingerprint = sha256_text("".join(sha256_file(folder / name) for name in names))[:16]
        _write_json(folder / STATE, _state(names, fingerprint))
        empty = dict.fromkeys(("citation", "description", "homepage", "license"), "")
        _write_json(folder / INFO, {**empty, "features": features.to_dict()})


@dataclass(frozen=True, slots=True)
class ArrowShard:
    """One Arrow file of a folder."""

    path: Path
    options: ReadOptions

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each row that cannot be one, or for the file."""
        import pyarrow as pa

        try:
            look_at(self.path)
            with pa.memory_map(str(self.path)) as source, pa.ipc.open_stream(source) as stream:
                found = columns.layout(stream.schema, self.options.patients, str(self.path))
                if isinstance(found, columns.Layout):
                    yield from self._rows(stream, found)
                else:
                    yield from found
        except PackedError:
            remedy = "save it with `datasets`, which does not pack"
            yield Problem(str(self.path), "is packed, or gives more text than it can hold", remedy, "archive")
        except (OSError, MessageError, *cells.library_errors()) as error:
            # What the library says may quote the file.
            if isinstance(error, OSError) and error.errno:
                what = f"cannot be read ({error.strerror})"
                yield Problem(str(self.path), what, "correct its permissions", "unreadable")
            else:
                yield Problem(str(self.path), "is no Arrow stream, or damaged", _DAMAGED, "syntax")

    def _rows(self, stream: "pa.RecordBatchReader", found: columns.Layout) -> Iterator[Draft | Problem]:
        reader = RowReader(found.tags, self.options.mend)
        first, allowed = 1, cells.text_allowed(self.path.stat().st_size)
        for batch in stream:
            for number, row in cells.rows(cells.validated(batch, found), found, first, str(self.path)):
                where = cells.row_place(str(self.path), number)
                for item in (
                    (row,) if isinstance(row, Problem) else reader.drafts(row, where, f"{self.path.stem}-{number}")
                ):
                    allowed -= len(item.text) if isinstance(item, Draft) else 0
                    if allowed < 0:
                        raise PackedError
                    yield item
            first += batch.num_rows


def _several_splits(path: Path) -> CorpusError:
    names = sorted(folder.name for folder in path.iterdir() if (folder / STATE).is_file())
    remedy = f"name one of them: {', '.join(str(path / name) for name in names) or 'none is there'}"
    return CorpusError("One split at a time.", [Problem(str(path), "holds several splits", remedy, "unsupported")])


def _saved_files(path: Path) -> list[str]:
    """The Arrow files that `state.json` lists.

    Raises:
        CorpusError: It lists none, or something else than files beside it; or rows are chosen by an index.
    """
    try:
        with path.open("rb") as stream:
            state = json.loads(stream.read(_STATE_BYTES))
        names = [entry["filename"] for entry in state["_data_files"]]
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")
        raise CorpusError("The dataset cannot be opened.", [problem]) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        names = []
    if not names or not all(isinstance(name, str) and _FILE.fullmatch(name) for name in names):
        problem = Problem(str(path), "does not list Arrow files of this folder", _DAMAGED, "syntax")
        raise CorpusError("The dataset cannot be opened.", [problem])
    if state.get("_indices_data_files") or state.get("_indices_files"):
        remedy = "save it anew with a current version of `datasets`"
        problem = Problem(str(path), "chooses rows by an index", remedy, "unsupported")
        raise CorpusError("The dataset cannot be opened.", [problem])
    return names


def _state(names: Sequence[str], fingerprint: str) -> dict[str, Any]:
    return {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_parts(packs: Iterable["pa.RecordBatch"], folder: Path, schema: "pa.Schema") -> list[Path]:
    """Writes `packs` as streams of about `FILE_BYTES` each; at least one, so that an empty corpus has its columns."""
    import pyarrow as pa

    rest = iter(packs)
    parts: list[Path] = []
    batch = next(rest, None)
    while batch is not None or not parts:
        parts.append(folder / f"part-{len(parts)}")
        with pa.OSFile(str(parts[-1]), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            while batch is not None and sink.tell() < FILE_BYTES:
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                batch = next(rest, None)
    return parts


_DAMAGED = "restore it from its source, or save it anew"
_READERS: dict[str, Any] = {
    ".parquet": parquet.read,
    ".arrow": lambda file, options: [ArrowShard(file, options)],
    **{suffix: lambda file, options: [data_files.CsvShard(file, options.mend)] for suffix in data_files.CSV},
    **{suffix: lambda file, options: [data_files.JsonShard(file, options.mend)] for suffix in data_files.JSON},
}
