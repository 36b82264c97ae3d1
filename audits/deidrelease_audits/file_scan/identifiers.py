"""Direct identifiers of private notes in files: exact, and in other spellings, by the searches of the replay audit.

A value counts if it has `BITS` bits or more. Those of a text are by the character model of its class, fitted on all
private values but those of the patient who has it most often: a name that many patients have is no identifier, `H` is
none, and a place like `Madrid` is none. A model that has seen few values expects too little of any of them, so a text
counts at most `BITS_A_LETTER` for each character, which is what a name costs a model that has seen many (six letters
alone are never enough). A number counts what its digits can carry, since that is how likely it stands in a file by
chance: seven digits have 23.3 bits. Only of a number that `SHARED_BY` patients or more have, such as a ward's
telephone, the model decides.

Not looked for: values that are an institution's, initials, and values with an edit, which chance gives away too often
in files that are no notes.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Self

import numpy as np

from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease.notes import Note
from deidrelease_audits.patients import patient_number
from deidrelease_audits.pii_replay.character_counts import CharacterCounts
from deidrelease_audits.pii_replay.scan import identity
from deidrelease_audits.pii_replay.spellings import find_forms
from deidrelease_audits.text.squeezing import SqueezedText, squeeze
from deidrelease_audits.values import Haystack, Value, canonical, find_values, values_of

BITS = 23.0
BITS_A_LETTER = 3.5
SHARED_BY = 3
MOST_NEIGHBOURS = 4
"""Digits that may stand beside a number in another spelling, such as a country's code; more of them are a table."""
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9A-Za-z])")
_NUMERIC = frozenset("0123456789 .,-/()+\t\n")

Place = tuple[int, int, int]
"""Number of the text, first code point, behind the last one."""
_Key = tuple[str, str]
"""Label and squeezed value."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The texts of some files, laid out for searching; digests, which are computed, are blanked and kept apart.

    Attributes:
        texts: With blanks for the digests, so that offsets stay.
        haystack: For exact values.
        squeezed: For other spellings.
        starts: Where each text begins in the joined ones.
        digests: Those that were blanked, and where.
    """

    texts: tuple[str, ...]
    haystack: Haystack
    squeezed: SqueezedText
    starts: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    digests: Mapping[str, tuple[Place, ...]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Of `texts`, in order."""
        digests: dict[str, list[Place]] = {}
        for number, text in enumerate(texts):
            for match in _HEX.finditer(text):
                digests.setdefault(match[0], []).append((number, *match.span()))
        plain = tuple(_HEX.sub(lambda match: "|" * len(match[0]), text) for text in texts)
        haystack = Haystack.of([Note(str(number), "", text) for number, text in enumerate(plain)])
        squeezed = SqueezedText.of(plain)
        return cls(plain, haystack, squeezed, haystack.starts, {key: tuple(those) for key, those in digests.items()})

    def places(self, values: Sequence[Value]) -> Iterator[tuple[int, Place]]:
        """Each of `values`, by its number, with every place where it stands in some spelling."""
        keys = [value.key for value in values]
        found = find_values(self.haystack, keys)
        columns = found.values, found.notes, found.starts, found.ends
        for value, text, start, end in zip(*(column.tolist() for column in columns), strict=True):
            yield value, (text, start, end)
        for spelling in find_forms(self.squeezed, keys, [value.kind for value in values]):
            if spelling.kind == "initials":
                continue
            place = self._original(spelling.start, spelling.end)
            if not squeeze(keys[spelling.value]).isdecimal() or self._stands_alone(place):
                yield spelling.value, place
        for number, key in enumerate(keys):
            for place in self.digests.get(squeeze(key), ()):
                yield number, place

    def _original(self, start: int, end: int) -> Place:
        first, last = int(self.squeezed.origins[start]), int(self.squeezed.origins[end - 1])
        text = int(np.searchsorted(self.starts, first, side="right")) - 1
        return text, first - int(self.starts[text]), last + 1 - int(self.starts[text])

    def _stands_alone(self, place: Place) -> bool:
        """Whether a number in another spelling is no part of a longer row of numbers."""
        number, start, end = place
        text, digits = self.texts[number], 0
        for step, at in ((-1, start - 1), (1, end)):
            while 0 <= at < len(text) and text[at] in _NUMERIC and digits <= MOST_NEIGHBOURS:
                digits += text[at].isdigit()
                at += step
        return digits <= MOST_NEIGHBOURS


@dataclass(slots=True)
class IdentifierSearch:
    """Direct identifiers that stream past, searched in some texts.

    Attributes:
        texts: Of the files.
        label_map: What the labels of the private notes mean.
        key: Under which patients are numbered.
        searched: How many values passed, a note's repeats not counted.
        counts: How often each character stood where, in all values.
        held: Found value to the patients who have it, each with how often.
        places: Found value to where it stands.
    """

    texts: Texts
    label_map: LabelMap
    key: SiteKey
    searched: int = 0
    counts: CharacterCounts = field(default_factory=CharacterCounts)
    held: dict[_Key, Counter[int]] = field(default_factory=dict)
    places: dict[_Key, set[Place]] = field(default_factory=dict)

    def stream(self, notes: Sequence[Note]) -> None:
        """Lets private notes pass.

        Raises:
            CorpusError: The label map does not know a label.
        """
        mentions = [(value, patient_number(self.key, note.patient_id)) for note in notes for value in self._of(note)]
        self.searched += len(mentions)
        self.counts = self.counts + CharacterCounts.of(Counter(_key(value) for value, _ in mentions))
        distinct = list({(value.label, value.key): value for value, _ in mentions}.values())
        for number, place in self.texts.places(distinct):
            self.places.setdefault(_key(distinct[number]), set()).add(place)
        for value, patient in mentions:
            if (key := _key(value)) in self.places:
                self.held.setdefault(key, Counter())[patient] += 1

    def hits(self) -> list[tuple[str, Place]]:
        """Label and place of everything found that has enough bits."""
        asked = [(*key, max(self.held[key].values())) for key in sorted(self.places)]
        modelled = self.counts.bits(asked)
        found = [key for one in asked if self._bits(key := one[:2], modelled[one]) >= BITS]
        return [(label, place) for label, squeezed in found for place in sorted(self.places[label, squeezed])]

    def _bits(self, key: _Key, modelled: float) -> float:
        digits = len(key[1]) * log2(10) if key[1].isdecimal() else 0.0
        if digits and len(self.held[key]) < SHARED_BY:
            return digits
        return min(modelled, digits or BITS_A_LETTER * len(key[1]))

    def _of(self, note: Note) -> Iterable[Value]:
        """The direct identifiers of a note, each once under each of its labels."""
        values = {(value.label, value.key): value for value, _ in values_of(note, self.label_map)}
        return [value for value in values.values() if value.identifies == "direct" and value.whose != "institution"]


def _key(value: Value) -> _Key:
    return value.label, identity(canonical(value.key))
