"""Tokenised notes on disk, memory-mapped through `datasets`, so that a corpus never has to fit into memory."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease import progress
from deidrelease.notes import Note

if TYPE_CHECKING:
    from datasets import Dataset


def open_store(
    folder: Path, notes: Iterable[Note], row: Callable[[Note], Mapping[str, Any]], columns: Mapping[str, str]
) -> "Dataset":
    """Opens the store in `folder`, after filling it with a row a note if it is not there yet.

    Args:
        folder: Appears whole or not at all, so a killed attempt leaves nothing to mistrust.
        notes: Read once, only where the store must be filled.
        row: What is kept of a note.
        columns: Name to type, such as `int32`, or `[int32]` for a list.
    """
    import datasets

    datasets.disable_progress_bars()
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        with progress.step("tokenising notes") as step:
            made = datasets.Dataset.from_generator(
                _Rows(notes, row, step),
                features=_features(columns),
                cache_dir=str(partial / "cache"),
                fingerprint=folder.name,
            )
            made.save_to_disk(str(partial / "saved"))
        (partial / "saved").rename(folder)
        shutil.rmtree(partial)
    return datasets.load_from_disk(str(folder), keep_in_memory=False)


class _Rows:
    def __init__(self, notes: Iterable[Note], row: Callable[[Note], Mapping[str, Any]], step: progress.Step) -> None:
        self._notes, self._row, self._step = notes, row, step

    def __call__(self) -> Iterator[Mapping[str, Any]]:
        for note in self._notes:
            yield self._row(note)
            self._step.advance(1)


def _features(columns: Mapping[str, str]) -> Any:
    import datasets

    return datasets.Features(
        {
            name: datasets.Sequence(datasets.Value(kind.strip("[]"))) if kind.startswith("[") else datasets.Value(kind)
            for name, kind in columns.items()
        }
    )
