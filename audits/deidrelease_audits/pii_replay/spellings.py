"""Other spellings of a private value in the synthetic text: what an exact search misses.

Case, accents, blanks, hyphens and punctuation are settled by squeezing both sides. A name is also looked for with its
words rotated (`Ruiz Gil, Ana`) and with its first name as an initial. One edit (a character put in, left out or
changed, or two neighbours swapped) is found through the half that it spares: if an edit touches the first half, the
second stands unchanged before the end of a word, and the other way round. So nothing is missed, and the time is linear
in the values. Edits that lie at the joint are why the halves leave out one character between them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.squeezing import SqueezedText, places_of, squeeze

Kind = Literal["same", "order", "initials", "edit", "date-format"]
LEAST_SQUEEZED = 4
"""Letters and digits below which other spellings are not looked for: `Ana` is `ANA` all over the place."""
LEAST_EDITED = 8
LEAST_EDITED_DIGITS = 6
_MOST_WORDS = 6
_LEAST_SURNAME = 5


@dataclass(frozen=True, slots=True, order=True)
class Spelling:
    """A place in the squeezed text where a value stands in another spelling.

    Attributes:
        value: Index into the values that were asked for.
        kind: How it differs; `same` where squeezing settles it.
        start: First character in the squeezed text.
        end: Behind the last one.
    """

    value: int
    kind: Kind
    start: int
    end: int


def find_forms(text: SqueezedText, values: Sequence[str], kinds: Sequence[str]) -> list[Spelling]:
    """All places of the squeezed values, and of names (where `kinds` is `person`) rotated or with initials."""
    forms = [(index, kind, form) for index, value in enumerate(values) for kind, form in forms_of(value, kinds[index])]
    pairs = places_of(text, [form for _, _, form in forms])
    lengths = np.array([len(form) for _, _, form in forms], np.int64)
    ends = pairs.places + lengths[pairs.pieces] if forms else pairs.places
    whole = _ends_word(text, ends)
    columns = pairs.pieces[whole].tolist(), pairs.places[whole].tolist(), ends[whole].tolist()
    found = {
        (*forms[number][:2], start, end)
        for number, start, end in zip(*columns, strict=True)
        if text.text.startswith(forms[number][2], start)
    }
    return [Spelling(*place) for place in sorted(found)]


def forms_of(value: str, kind: str) -> Iterator[tuple[Kind, str]]:
    """The squeezed spellings of a value that are looked for as they are, each with its kind."""
    squeezed = squeeze(value)
    if len(squeezed) < LEAST_SQUEEZED:
        return
    yield "same", squeezed
    words = [word for word in map(squeeze, re.split(r"[\s,.;-]+", value)) if word] if kind == "person" else []
    if not 2 <= len(words) <= _MOST_WORDS:
        return
    seen = {squeezed}
    for cut in range(1, len(words)):
        if (rotated := "".join(words[cut:] + words[:cut])) not in seen:
            seen.add(rotated)
            yield "order", rotated
    surname = "".join(words[1:])
    if len(surname) >= _LEAST_SURNAME and len(words[0]) > 1:
        for form in (words[0][0] + surname, surname + words[0][0]):
            if form not in seen:
                seen.add(form)
                yield "initials", form


def may_be_edited(squeezed: str) -> bool:
    """Whether a value is long enough for one edit to leave it recognisable."""
    return len(squeezed) >= LEAST_EDITED or sum(c.isdigit() for c in squeezed) >= LEAST_EDITED_DIGITS


def find_edits(text: SqueezedText, values: Sequence[str]) -> list[Spelling]:
    """All windows of whole words at a distance of exactly one edit from a squeezed value.

    Distance: optimal string alignment, by which two neighbours swapped are one edit (Damerau 1964; Boytsov 2011).
    """
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    asked = [index for index, value in enumerate(values) if may_be_edited(squeeze(value))]
    squeezed = [squeeze(values[index]) for index in asked]
    which, starts, ends = _edit_candidates(text, squeezed)
    likely = _one_edit_at_most(text, squeezed, which, starts, ends)
    which, starts, ends = which[likely], starts[likely], ends[likely]
    windows = [text.text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    if not windows:
        return []
    distances = cpdist([squeezed[number] for number in which.tolist()], windows, scorer=OSA.distance, score_cutoff=1)
    near = [hit for hit in np.flatnonzero(distances == 1).tolist() if "\0" not in windows[hit]]
    return [Spelling(asked[which[hit]], "edit", int(starts[hit]), int(ends[hit])) for hit in near]


def _edit_candidates(
    text: SqueezedText, squeezed: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Value, start and end of all windows of whole words that share a half with a value; each once."""
    lengths = np.array([len(value) for value in squeezed], np.int64)
    halves = [len(value) // 2 for value in squeezed]
    left = places_of(text, [value[:half] for value, half in zip(squeezed, halves, strict=True)])
    right = places_of(text, [value[half + 1 :] for value, half in zip(squeezed, halves, strict=True)], at_end=True)
    is_begin = np.zeros(len(text) + 1, np.bool_)
    is_begin[text.begins] = True
    rows = []
    for change in (-1, 0, 1):
        ends = left.places + lengths[left.pieces] + change
        good = _ends_word(text, ends)
        rows.append(np.stack([left.pieces[good], left.places[good], ends[good]]))
        starts = right.places - lengths[right.pieces] - change
        good = (starts >= 0) & is_begin[np.maximum(starts, 0)]
        rows.append(np.stack([right.pieces[good], starts[good], right.places[good]]))
    which, starts, ends = np.concatenate(rows, axis=1)
    # One number each, as sorting these is many times as fast as sorting rows.
    change = ends - starts - lengths[which] + 1
    _, first = np.unique((which * (len(text) + 1) + starts) * 3 + change, return_index=True)
    return which[first], starts[first], ends[first]


def _one_edit_at_most(
    text: SqueezedText,
    squeezed: Sequence[str],
    which: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Which windows agree with their value but for what one edit can touch, from both ends on; most dates do not."""
    codes = np.frombuffer("".join(squeezed).encode("utf-32-le", "surrogatepass"), "<u4")
    lengths = np.array([len(value) for value in squeezed], np.int64)
    firsts = np.cumsum(lengths)[which] - lengths[which]
    change = ends - starts - lengths[which]
    shorter = lengths[which] + np.minimum(change, 0)
    before = _agreeing(text.codes, starts, codes, firsts, shorter, 1)
    behind = _agreeing(text.codes, ends - 1, codes, firsts + lengths[which] - 1, shorter, -1)
    # Two neighbours swapped leave two places that differ; a character changed leaves one, one more or less none.
    return np.flatnonzero(before + behind >= shorter - 2 * (change == 0))


def _agreeing(
    ours: NDArray[np.unsignedinteger[Any]],
    our_places: NDArray[np.int64],
    theirs: NDArray[np.unsignedinteger[Any]],
    their_places: NDArray[np.int64],
    most: NDArray[np.int64],
    step: int,
) -> NDArray[np.int64]:
    """How many characters, from each pair of places on in steps of `step`, are equal before the first that differ."""
    agreeing = np.zeros(len(most), np.int64)
    left = np.flatnonzero(most > 0)
    while len(left):
        seen = agreeing[left[0]]
        left = left[ours[our_places[left] + step * seen] == theirs[their_places[left] + step * seen]]
        agreeing[left] += 1
        left = left[most[left] > seen + 1]
    return agreeing


def _ends_word(text: SqueezedText, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside = (ends >= 0) & (ends <= len(text))
    return inside & text.ends[np.clip(ends, 0, len(text))]
