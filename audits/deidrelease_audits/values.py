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

_BORDER, _END = 0x1F, 0x1E
"""Both are white space to Unicode, which becomes a blank below, so no text can hold them."""
_WIDTHS = np.repeat(np.array([1, 2, 3, 4], np.uint8), [1, 15, 496, 8192])
"""Bytes of a code point in UTF-8, by its block of 128."""


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
    """The synthetic corpus, laid out for searching; about nine bytes a character.

    Attributes:
        note_ids: Of the synthetic notes, in reading order; (n_notes,).
        starts: Where each note begins in the joined text, and where that ends; code points, (n_notes + 1,).
        marked: The joined text in UTF-8 with a mark at every word border.
        firsts: The byte of `marked` with which each of its characters begins, marks not counted; (n_characters,).
        origins: The code point of the joined text that each of those characters stands for; (n_characters,).
    """

    note_ids: tuple[str, ...]
    starts: NDArray[np.int64]
    marked: bytes
    firsts: NDArray[np.signedinteger[Any]]
    origins: NDArray[np.signedinteger[Any]]

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Self:
        """Reads `notes` once."""
        ids, texts = [], []
        for note in notes:
            ids.append(note.note_id)
            texts.append(note.text)
        starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
        return cls(tuple(ids), starts, *_marked(texts))

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
    # Asked in their own type, as else all of them would be copied.
    first, behind = (place.astype(haystack.firsts.dtype) for place in (first, behind))
    starts = haystack.origins[np.searchsorted(haystack.firsts, first)].astype(np.int64)
    ends = haystack.origins[np.searchsorted(haystack.firsts, behind) - 1].astype(np.int64) + 1
    notes = np.searchsorted(haystack.starts, starts, side="right") - 1
    order = np.lexsort((values, ends, starts))
    values, notes, starts, ends = values[order], notes[order], starts[order], ends[order]
    return Places(values, notes, starts - haystack.starts[notes], ends - haystack.starts[notes])


def _marked(texts: Sequence[str]) -> tuple[bytes, NDArray[np.signedinteger[Any]], NDArray[np.signedinteger[Any]]]:
    """The texts, each ended by a mark, with single blanks and word borders marked; see `Haystack` for the others."""
    codes = joined_codes(texts)
    kinds = kinds_of(codes)
    ends = ends_of(texts)
    codes[ends], kinds[ends] = _END, OTHER
    # A character takes up to four bytes, and a mark one.
    counter = np.int32 if 5 * len(codes) < 2**31 else np.int64
    blank = kinds == SPACE
    kept = np.ones(len(codes), np.bool_)
    kept[1:] = ~(blank[1:] & blank[:-1])
    origins: NDArray[np.signedinteger[Any]] = np.flatnonzero(kept).astype(counter)
    codes[np.flatnonzero(blank & (codes != 0x20))] = 0x20
    codes, kinds = codes[kept], kinds[kept]
    border = is_border(kinds)
    places = np.cumsum(border, dtype=np.int64)
    places += np.arange(len(codes))
    written = np.full(len(codes) + int(border.sum()), _BORDER, "<u4")
    written[places] = codes
    wider = np.take(_WIDTHS, codes >> 7) - np.uint8(1)
    firsts: NDArray[np.signedinteger[Any]] = (places + np.cumsum(wider, dtype=np.int64) - wider).astype(counter)
    marked = written.tobytes().decode("utf-32-le", "surrogatepass").encode("utf-8", "surrogatepass")
    return marked, firsts, origins
