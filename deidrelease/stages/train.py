"""train: a tagger that sees synthetic notes only; what a recipient of the corpus could train."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT
from deidrelease.errors import ModelError, Problem
from deidrelease.formats import open_corpus
from deidrelease.models.devices import find_place
from deidrelease.models.loading import identity
from deidrelease.models.tagging.store import save_tagger
from deidrelease.models.tagging.training import train_tagger
from deidrelease.notes import Corpus, Note
from deidrelease.settings import ComputeSettings, TaggerSettings


@dataclass(frozen=True, slots=True)
class Train:
    """The same function as the annotator's; early stopping on synthetic notes too, so that no private one is needed."""

    tagger: TaggerSettings
    dev_share: float
    compute: ComputeSettings
    substituted: bool = False

    name: ClassVar[str] = "train"
    version: ClassVar[int] = 1
    releasable: ClassVar[frozenset[str]] = frozenset()

    @property
    def after(self) -> tuple[str, ...]:
        """The synthetic notes as they may leave the site: with surrogates where those are on."""
        return (f"{'substitute' if self.substituted else 'annotate'}/notes.jsonl",)

    def settings(self) -> Mapping[str, object]:
        """Those of the tagger, which weights it starts from, and the share kept for early stopping."""
        weights = identity(self.tagger.model, self.tagger.revision)
        return {**self.tagger.model_dump(mode="json"), "weights": weights, "synthetic_dev": self.dev_share}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `model/` and `training.json`.

        Raises:
            ModelError: The annotator found no PII in the synthetic notes, so there is nothing to learn.
        """
        corpus = open_corpus(inputs[self.after[0]], "jsonl")
        train, dev = sides(corpus, self.dev_share, seed)
        if not any(note.spans for note in train) or not any(note.spans for note in dev):
            what = "hold tagged PII in fewer than two notes, one to learn from and one to stop early on"
            remedy = "sample more notes (generate.multiple), or look at the annotator's scores"
            raise ModelError("There is nothing to learn.", [Problem("the synthetic notes", what, remedy)])
        place = find_place(self.compute)
        training = train_tagger(self.tagger, train, list(dev), place, seed, out / CHECKPOINT, self.compute.download)
        save_tagger(training, self.tagger, out)


def sides(corpus: Corpus, dev_share: float, seed: int) -> tuple["_Side", "_Side"]:
    """Notes to learn from and notes to stop early on, drawn by note id; at least one of the latter holds PII.

    Of few notes a share as small as 0.1 may be none, and then nothing could be learnt from all the others.
    """
    drawn = partial(_drawn, key=seed.to_bytes(16, "big"))
    least = min((drawn(note) for note in corpus if note.spans), default=0.0)

    def is_dev(note: Note) -> bool:
        return drawn(note) < dev_share or drawn(note) == least

    return _Side(corpus, lambda note: not is_dev(note)), _Side(corpus, is_dev)


def _drawn(note: Note, key: bytes) -> float:
    digest = hashlib.blake2b(note.note_id.encode("utf-8"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, slots=True)
class _Side:
    corpus: Corpus
    holds: Callable[[Note], bool]

    def __iter__(self) -> Iterator[Note]:
        return (note for note in self.corpus if self.holds(note))
