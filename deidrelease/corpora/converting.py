"""One corpus, written in another format."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.corpora.staging import refuse_target
from deidrelease.corpora.writing import Written, format_of_target, write_corpus
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.table import open_corpus
from deidrelease.notes import Corpus, Note


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus to be read, and how.

    Attributes:
        path: A file or folder.
        format_name: `auto`, or a name of `formats()`.
        options: Where patients come from, and what happens to overlaps and the like.
    """

    path: Path
    format_name: str = "auto"
    options: ReadOptions = field(default_factory=lambda: ReadOptions(overlaps="error"))

    def open(self) -> Corpus:
        """Opens it without reading its notes; raises `CorpusError` as `open_corpus` does."""
        return open_corpus(self.path, self.format_name, self.options)


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did.

    Attributes:
        written: What stands at the target.
        patients: How many there are.
        choices: What the reading options decided, such as overlaps, by kind.
    """

    written: Written
    patients: int
    choices: dict[str, int]


def convert(
    source: Source, target: Path, to: str | None = None, *, lossy: bool = False, verify: bool = True
) -> Converted:
    """Writes the corpus of `source` to `target`, which appears whole or not at all.

    Args:
        source: What to read; any defect in it stops the conversion.
        target: A file or folder that does not exist.
        to: The name of a format; that of the target's ending where None.
        lossy: Leave behind what the format cannot carry, and count it, instead of refusing.
        verify: Read the copy back, and compare, before it takes its name.

    Raises:
        CorpusError: The corpus has defects, the target exists, lies in the corpus, or cannot be written as asked.
    """
    refuse_target(source.path, target)
    form = format_of_target(target, to)
    tally = _Tally()
    written = write_corpus(tally.through(source.open()), target, form, lossy=lossy, verify=verify)
    return Converted(written, len(tally.patients), dict(tally.choices))


@dataclass(slots=True)
class _Tally:
    patients: set[int] = field(default_factory=set)
    choices: Counter[str] = field(default_factory=Counter)

    def through(self, corpus: Corpus) -> Iterator[Note]:
        for located in corpus.located():
            # The interpreter's hash takes eight bytes where an id could take any number.
            self.patients.add(hash(located.note.patient_id))
            self.choices.update(fix.kind for fix in located.fixes)
            yield located.note
