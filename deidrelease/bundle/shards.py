"""The notes of a bundle: canonical lines in shards, counted as they are written, and copies in other formats."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from deidrelease import progress
from deidrelease.bundle.layout import BRAT, PARQUET, SHARD_NOTES, shard_path
from deidrelease.notes import Corpus, Note, note_to_json
from deidrelease.results import bucketed

Copy = Literal["brat", "parquet"]
COPIES: tuple[Copy, ...] = get_args(Copy)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        digest: SHA-256 of all shards one after the other; equal to that of the corpus's canonical lines.
        notes: How many.
        characters: Code points of all texts.
        shards: Paths in the bundle, in order.
        spans: Label to count, as text, small counts bucketed.
    """

    digest: str
    notes: int
    characters: int
    shards: tuple[str, ...]
    spans: Mapping[str, str]


def write_shards(notes: Iterable[Note], bundle: Path) -> Written:
    """Writes `notes` below `bundle`, so many a shard; one empty shard where there are none."""
    sha, spans = hashlib.sha256(), Counter[str]()
    count = characters = 0
    shards: list[str] = []
    with ExitStack() as stack, progress.step("writing the notes") as step:
        stream = _opened(bundle, shards, stack)
        for note in notes:
            if count and count % SHARD_NOTES == 0:
                stack.close()
                stream = _opened(bundle, shards, stack)
            line = note_to_json(note).encode("utf-8") + b"\n"
            stream.write(line)
            sha.update(line)
            spans.update(span.label for span in note.spans)
            count += 1
            characters += len(note.text)
            step.advance(1)
    cells = {label: bucketed(number) for label, number in sorted(spans.items())}
    return Written(sha.hexdigest(), count, characters, tuple(shards), cells)


def write_copies(notes: Corpus, bundle: Path, copies: Iterable[Copy]) -> None:
    """Writes the same notes once more in each of `copies`.

    Raises:
        CorpusError: A format cannot carry these notes.
    """
    from deidrelease.formats import brat, parquet

    writers: dict[Copy, tuple[Callable[[Iterable[Note], Path], None], str]] = {
        "brat": (brat.write, BRAT),
        "parquet": (parquet.write, PARQUET),
    }
    for name in COPIES:
        if name in copies:
            write, path = writers[name]
            (bundle / path).parent.mkdir(parents=True, exist_ok=True)
            write(notes, bundle / path)


def _opened(bundle: Path, shards: list[str], stack: ExitStack) -> BinaryIO:
    shards.append(shard_path(len(shards)))
    path = bundle / shards[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    return stack.enter_context(path.open("xb"))
