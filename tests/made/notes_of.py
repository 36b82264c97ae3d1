"""Corpora in memory, from a few words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deidrelease.contracts import Corpora
from deidrelease.keys import SiteKey
from deidrelease.notes import Corpus, Located, Note

KEY = SiteKey(bytes(range(32)))


@dataclass(frozen=True, slots=True)
class Kept:
    """Notes in memory as a shard of a corpus."""

    notes: tuple[Note, ...]

    def read(self) -> Iterator[Located]:
        for number, note in enumerate(self.notes, 1):
            yield Located(f"memory:{number}", note)


def corpus_of(*notes: Note) -> Corpus:
    return Corpus("memory", (Kept(notes),))


def notes_of(prefix: str, texts: Sequence[str]) -> list[Note]:
    return [Note(f"{prefix}{i}", f"{prefix}-patient{i}", text) for i, text in enumerate(texts)]


def corpora_of(synthetic: Sequence[str], train: Sequence[str], holdout: Sequence[str] | None = None) -> Corpora:
    return Corpora(
        synthetic=corpus_of(*notes_of("s", synthetic)),
        train=corpus_of(*notes_of("t", train)),
        holdout=None if holdout is None else corpus_of(*notes_of("h", holdout)),
        label_map=None,
        language=None,
        tagger=None,
        key=KEY,
    )
