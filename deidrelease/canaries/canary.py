"""A canary: a note that nobody wrote, in the shape of the corpus, with a secret at its end.

Carlini et al. 2019, "The Secret Sharer" (USENIX Security), plant secrets into training data and ask how far a model
prefers them to secrets of the same make that were not planted. Each canary is a patient of its own, so that planting it
is what differential privacy speaks of: one unit more, or one less.
"""

from dataclasses import dataclass

from deidrelease.notes import Corpus, Held, Note


@dataclass(frozen=True, slots=True)
class Canary:
    """One made-up note.

    Attributes:
        name: Random; its note id and its patient id among the notes that are learnt from.
        prefix: In the corpus's own shape; ends in a space.
        secret: Made-up words and identifiers; nothing of it can be foretold from the prefix.
        words: The secret's words.
        identifiers: The secret's identifiers, as they stand there.
        inserted: Whether the coin put it among the notes that are learnt from.
    """

    name: str
    prefix: str
    secret: str
    words: tuple[str, ...]
    identifiers: tuple[str, ...]
    inserted: bool

    @property
    def text(self) -> str:
        """The whole note."""
        return self.prefix + self.secret

    def note(self) -> Note:
        """The canary as a note of a patient of its own, without spans."""
        return Note(self.name, self.name, self.text)


def planted_in(train: Corpus, canaries: tuple[Canary, ...]) -> Corpus:
    """`train` with the inserted ones of `canaries` behind it; as re-iterable as `train` is."""
    inserted = tuple(canary.note() for canary in canaries if canary.inserted)
    return Corpus(train.name, (*train.shards, Held(inserted))) if inserted else train
