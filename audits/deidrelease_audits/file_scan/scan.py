"""The scan of a bundle's files, before it is signed: nothing of a private note may stand in any of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from deidrelease import progress
from deidrelease.contracts import FileHit, FilesScanned
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease.notes import Corpus, Note
from deidrelease_audits.file_scan.identifiers import BITS, BITS_A_LETTER, SHARED_BY, IdentifierSearch, Texts
from deidrelease_audits.file_scan.published import published_texts
from deidrelease_audits.file_scan.readings import readings, strings_in
from deidrelease_audits.file_scan.spans import SharedSpans
from deidrelease_audits.verbatim.matching import LEAST

_BATCH_CHARACTERS = 2_000_000
NOTE_PARTS = "ids, labels and meta of the notes"


@dataclass(frozen=True, slots=True)
class Files:
    """Shared spans and direct identifiers in files; satisfies `contracts.FileScan`."""

    name: ClassVar[str] = "files"
    version: ClassVar[int] = 1

    def settings(self) -> Mapping[str, object]:
        """What decides a hit besides the corpora."""
        return {
            "least_span_words": LEAST,
            "least_bits": BITS,
            "most_bits_a_letter": BITS_A_LETTER,
            "shared_by": SHARED_BY,
        }

    def scan(
        self,
        files: Mapping[str, bytes],
        notes: Corpus | None,
        private: Sequence[Corpus],
        label_map: LabelMap,
        key: SiteKey,
    ) -> FilesScanned:
        """Searches `private` in `files`, and in all of `notes` but their texts, which the audits have judged.

        Raises:
            CorpusError: The label map does not know a label of the private notes.
        """
        named = [(name, text) for name, content in files.items() for text in readings(name, content)]
        named += [(NOTE_PARTS, text) for text in _note_parts(notes)]
        texts = [text for _, text in named]
        spans = SharedSpans.of(texts, published_texts())
        search = IdentifierSearch(Texts.of(texts), label_map, key)
        seen = 0
        with progress.step("searching the private notes in the bundle's files") as step:
            for batch in _batches(private):
                spans.stream([note.text for note in batch])
                search.stream(batch)
                seen += len(batch)
                step.advance(len(batch))
        return FilesScanned(len(files), seen, search.searched, _hits([name for name, _ in named], spans, search))


def _hits(names: Sequence[str], spans: SharedSpans, search: IdentifierSearch) -> tuple[FileHit, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for number, places in enumerate(spans.per_text().tolist()):
        if places:
            counts[names[number], f"shares {LEAST} words or more in a row with a private note"] += places
    for label, (number, start, end) in search.hits():
        if not spans.is_published(number, start, end):
            counts[names[number], f"holds a direct identifier of the private notes ({label})"] += 1
    return tuple(FileHit(file, what, places) for (file, what), places in sorted(counts.items()))


def _note_parts(notes: Corpus | None) -> Iterator[str]:
    """Whatever the data say besides the texts, each once."""
    found: dict[str, None] = {}
    for note in notes or ():
        parts = (note.note_id, note.patient_id, *(span.label for span in note.spans), *strings_in(dict(note.meta)))
        for part in (*parts, *_numbers_in(dict(note.meta))):
            found.setdefault(part)
    return iter(found)


def _numbers_in(value: object) -> Iterator[str]:
    stack = [value]
    while stack:
        at = stack.pop()
        if isinstance(at, dict):
            stack.extend(at.values())
        elif isinstance(at, list | tuple):
            stack.extend(at)
        elif isinstance(at, int | float) and not isinstance(at, bool):
            yield str(at)


def _batches(corpora: Sequence[Corpus]) -> Iterator[list[Note]]:
    batch: list[Note] = []
    size = 0
    for corpus in corpora:
        for note in corpus:
            batch.append(note)
            size += len(note.text)
            if size >= _BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch
