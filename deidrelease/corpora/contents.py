"""What notes hold, in a few numbers that do not depend on their order: whether a copy is one, in one pass, unsorted."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from deidrelease.notes import Note

PARTS = ("note ids", "patient ids", "texts", "spans", "meta")
_BYTES = 16


@dataclass(slots=True)
class Contents:
    """The number of notes, and for each of `PARTS` the sum of its hashes over all notes, each bound to its note id.

    Sums of 128-bit hashes are equal for unequal corpora with a chance that nobody needs to think of, unless somebody
    builds them on purpose; against that, `Corpus.digest` is there.
    """

    notes: int = 0
    sums: list[int] = field(default_factory=lambda: [0] * len(PARTS))

    @classmethod
    def of(cls, notes: Iterable[Note]) -> "Contents":
        """Those of `notes`."""
        contents = cls()
        for note in notes:
            contents.add(note)
        return contents

    def add(self, note: Note) -> None:
        """Takes one more note in."""
        self.notes += 1
        name = hashlib.blake2b(note.note_id.encode("utf-8"), digest_size=_BYTES)
        spans = ";".join(f"{span.start},{span.end},{span.label}" for span in note.spans)
        meta = json.dumps(dict(note.meta), sort_keys=True) if note.meta else ""
        for index, part in enumerate(("", note.patient_id, note.text, spans, meta)):
            bound = name.copy()
            # The digest of the id, not the id, stands in front: no id can run over into what follows it.
            bound.update(name.digest() + part.encode("utf-8"))
            self.sums[index] = (self.sums[index] + int.from_bytes(bound.digest(), "big")) % (1 << 8 * _BYTES)

    def differing(self, other: "Contents") -> list[str]:
        """Which of `PARTS` are not the same."""
        return [part for part, a, b in zip(PARTS, self.sums, other.sums, strict=True) if a != b]
