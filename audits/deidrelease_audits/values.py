"""Private values, and the search for very many of them at once in the raw synthetic text.

A value matches where its characters stand, case and accents included, as whole words; only the *amount* of white space
between them is free, because a value that a line break split is still that value. Whole words are what `borders` says:
`12345678` is found in `DNI12345678`, and `Ana` is not found in `Anaya`. The declared spans of the synthetic notes are
never asked.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deidrelease.contracts import Shard
from deidrelease.labels import LabelMap
from deidrelease.notes import Note, Span
from deidrelease_audits.ordered import distinct_sorted
from deidrelease_audits.text.borders import OTHER, SPACE, ends_of, is_border, joined_codes, kinds_of
from deidrelease_audits.text.tokens import batches, joined

_BORDER, _END = 0x1F, 0x1E
"""Both are white space to Unicode, which becomes a blank below, so no text can hold them."""
_BEGINS = bytes(byte & 0xC0 != 0x80 and byte != _BORDER for byte in range(256))
"""Whether a byte of the marked text begins a character: no mark of a border, and no later byte of one in UTF-8."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a gold span of a private note covers, with the meaning of its label.

    Attributes:
        key: The text with every run of white space as one blank; equal keys are one value.
        label: Of the annotation scheme.
        hipaa: Class of Safe Harbor, `A` to `R`; None where it lists no such thing.
        identifies: `direct`, `quasi` or `alone-not`.
        whose: `patient`, `relative`, `provider`, `institution` or `unknown`.
        kind: The kind of surrogate that the label map names.
    """

    key: str
    label: str
    hipaa: str | None
    identifies: str
    whose: str
    kind: str


def canonical(text: str) -> str:
    """`text` with every run of white space as one blank, and none at its ends."""
    return " ".join(text.split())


NoteValues = tuple[tuple[Value, Span], ...]
"""Of a note, in the order of its spans; spans of nothing but white space have none."""


def values_of(note: Note, label_map: LabelMap) -> NoteValues:
    """The values of a note.

    Raises:
        CorpusError: `label_map` does not know a label of the note.
    """
    return values_in([note], label_map)[0]


def values_in(notes: Sequence[Note], label_map: LabelMap) -> tuple[NoteValues, ...]:
    """The values of each of `notes`; those that are equal are one object.

    Raises:
        CorpusError: `label_map` does not know a label of theirs.
    """
    label_map.require(Counter(span.label for note in notes for span in note.spans))
    made: dict[tuple[str, str], Value] = {}

    def value(key: str, name: str) -> Value:
        if (known := made.get((name, key))) is None:
            label = label_map[name]
            known = made[name, key] = Value(key, name, label.hipaa, label.identifies, label.whose, label.surrogate)
        return known

    keys = (((canonical(note.value(span)), span) for span in note.spans) for note in notes)
    return tuple(tuple((value(key, span.label), span) for key, span in of_note if key) for of_note in keys)


@dataclass(frozen=True, slots=True, eq=False)
class Haystack:
    """The synthetic corpus, laid out for searching; about eleven bytes a character.

    Attributes:
        note_ids: Of the synthetic notes, in reading order; (n_notes,).
        starts: Where each note begins in the joined text, and where that ends; code points, (n_notes + 1,).
        marked: The joined text in UTF-8 with a mark at every word border.
        before: How many characters begin before each byte of `marked`, marks not counted; (n_bytes + 1,).
        origins: The code point of the joined text that each of those characters stands for; (n_characters,).
    """

    note_ids: tuple[str, ...]
    starts: NDArray[np.int64]
    marked: bytes
    before: NDArray[np.signedinteger[Any]]
    origins: NDArray[np.signedinteger[Any]]

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Self:
        """Reads `notes` once."""
        ids, texts = [], []
        for note in notes:
            ids.append(note.note_id)
            texts.append(note.text)
        starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
        marked, origins = _marked(texts)
        before = np.zeros(len(marked) + 1, _counter(len(marked)))
        np.cumsum(np.frombuffer(marked.translate(_BEGINS), np.uint8), dtype=before.dtype, out=before[1:])
        return cls(tuple(ids), starts, marked, before, origins)

    def __len__(self) -> int:
        """Notes."""
        return len(self.note_ids)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where values stand in the synthetic notes; all arrays (n_found,), ordered by note, start and end.

    Attributes:
        values: Index into the values that were asked for.
        notes: Index into `Haystack.note_ids`.
        starts: First code point in the note.
        ends: Behind the last one.
    """

    values: NDArray[np.int64]
    notes: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        """Places."""
        return len(self.values)


def find_values(haystack: Haystack, values: Sequence[str]) -> Places:
    """All places of all `values`, overlapping ones too; a value may be asked for twice and is then found twice.

    Time grows with the synthetic text and with the length of the values, and not with their product: Aho and Corasick
    1975, Communications of the ACM 18.
    """
    return _places(haystack, *_matches(haystack, values))


def keys_found(shard: Shard, haystack: Haystack, label_map: LabelMap) -> frozenset[str]:
    """Keys of those values of `shard` that stand in the synthetic notes; searched once for all audits."""
    return shard.derived.once(_keys_found, shard.once(values_in, label_map), haystack)


def _keys_found(values: Sequence[NoteValues], haystack: Haystack) -> frozenset[str]:
    keys = sorted({value.key for of_note in values for value, _ in of_note})
    return frozenset(keys[number] for number in distinct_sorted(_matches(haystack, keys)[0]).tolist())


def _matches(haystack: Haystack, values: Sequence[str]) -> NDArray[np.int64]:
    """Value, first byte and byte behind of every match in the marked text; (3, n_found)."""
    from ahocorasick_rs import BytesAhoCorasick

    patterns = _marked([value.strip() for value in values])[0].split(bytes([_END]))[:-1]
    asked = [index for index, pattern in enumerate(patterns) if pattern]
    if not asked or not haystack.marked:
        return np.empty((3, 0), np.int64)
    # Patterns carry the marks of their borders, so what is no whole word never becomes a Python object.
    search = BytesAhoCorasick([patterns[index] for index in asked])
    matches = search.find_matches_as_indexes(haystack.marked, overlapping=True)
    found = np.fromiter(chain.from_iterable(matches), np.int64, 3 * len(matches)).reshape(-1, 3).T
    return np.stack([np.array(asked, np.int64)[found[0]], found[1], found[2]])


def _places(
    haystack: Haystack, values: NDArray[np.int64], first: NDArray[np.int64], behind: NDArray[np.int64]
) -> Places:
    """From bytes of the marked text to code points of notes."""
    # A match begins with a mark or a character and ends with either: the first character from there, the last before.
    starts = haystack.origins[haystack.before[first]].astype(np.int64)
    ends = haystack.origins[haystack.before[behind] - 1].astype(np.int64) + 1
    notes = np.searchsorted(haystack.starts, starts, side="right") - 1
    order = np.lexsort((values, ends, starts))
    values, notes, starts, ends = values[order], notes[order], starts[order], ends[order]
    return Places(values, notes, starts - haystack.starts[notes], ends - haystack.starts[notes])


def _marked(texts: Sequence[str]) -> tuple[bytes, NDArray[np.signedinteger[Any]]]:
    """The texts, each ended by a mark, with single blanks and word borders marked, and `Haystack.origins`."""
    counter = _counter(sum(map(len, texts)) + len(texts))
    begin, marked, origins = 0, [], [np.empty(0, counter)]
    # A mark parts two texts as the beginning does, so the texts can be worked on in parts that stay in a core's cache.
    for first, last in batches(texts):
        written, kept = _written(texts[first:last])
        marked.append(written)
        origins.append((kept + begin).astype(counter))
        begin += sum(map(len, texts[first:last])) + last - first
    return b"".join(marked), joined(origins)


def _written(texts: Sequence[str]) -> tuple[bytes, NDArray[np.int64]]:
    codes = joined_codes(texts)
    kinds = kinds_of(codes)
    ends = ends_of(texts)
    codes[ends], kinds[ends] = _END, OTHER
    blank = kinds == SPACE
    np.copyto(codes, 0x20, where=blank)
    kept = np.ones(len(codes), np.bool_)
    np.logical_and(blank[1:], blank[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    origins = np.flatnonzero(kept)
    codes, kinds = codes[origins], kinds[origins]
    border = is_border(kinds)
    places = np.cumsum(border, dtype=np.int64)
    written = np.full(len(codes) + (int(places[-1]) if len(places) else 0), _BORDER, "<u4")
    places += np.arange(len(codes))
    written[places] = codes
    return written.tobytes().decode("utf-32-le", "surrogatepass").encode("utf-8", "surrogatepass"), origins


def _counter(most: int) -> type[np.signedinteger[Any]]:
    return np.int32 if most < 2**31 else np.int64
