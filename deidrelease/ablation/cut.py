"""cut: the first notes of a synthetic corpus, so that corpora of several sizes are sampled and tagged once."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from deidrelease.formats import jsonl, open_corpus


@dataclass(frozen=True, slots=True)
class Cut:
    """Which texts are sampled depends on their numbers alone, so the first ones are what a smaller corpus would be.

    Attributes:
        count: Notes to keep.
        substituted: Whether the notes carry surrogates.
    """

    count: int
    substituted: bool = False

    name: ClassVar[str] = "cut"
    version: ClassVar[int] = 1
    releasable: ClassVar[frozenset[str]] = frozenset()

    @property
    def after(self) -> tuple[str, ...]:
        """The tagged notes, with surrogates where those are on."""
        return (f"{'substitute' if self.substituted else 'annotate'}/notes.jsonl",)

    def settings(self) -> Mapping[str, object]:
        """How many."""
        return {"count": self.count}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        """Writes `notes.jsonl`."""
        jsonl.write(islice(open_corpus(inputs[self.after[0]], "jsonl"), self.count), out / "notes.jsonl")
