"""Where listed values stand in a text, for sources that give no offsets."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from deidrelease.errors import Problem
from deidrelease.formats.drafts import DraftSpan

# One character each, so that places stay what they are.
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})

_MOST_WORK = 10**9
"""Characters times values: a second or so of looking."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A value that a source lists, with the place of the line that does."""

    where: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Located:
    """Spans for listed values, what could not be told, and what was decided on request."""

    spans: tuple[DraftSpan, ...]
    problems: tuple[Problem, ...] = ()
    fixes: tuple[Problem, ...] = ()


def locate(text: str, listed: Sequence[Listed], mend: bool) -> Located:
    """The places of `listed` in `text`.

    The longest values come first, and no place is taken twice, so a hospital's name inside a record number is not the
    hospital. A value is marked where it stands as a word of its own if that is as often as it is listed, else wherever
    it stands if that is. What is left is a problem; with `mend`, an ambiguous value is marked wherever it stands as a
    word of its own (more is hidden then, never less), and quotation marks may differ in their form.
    """
    if len(text) * len(listed) > _MOST_WORK:
        what = f"has {len(listed)} listed values, which no note of its length has"
        return Located((), (Problem(listed[0].where, what, "cut it into its notes", "too-large"),))
    taken = bytearray(len(text))
    spans: list[DraftSpan] = []
    problems, fixes = [], []
    # Sorting is stable: what is listed first stays first.
    by_value = sorted(listed, key=lambda one: (-len(one.value), one.value))
    for value, group in groupby(by_value, key=lambda one: one.value):
        ones = list(group)
        places, defect = _places(text, value, len(ones), taken)
        if mend and defect and defect[0] == "unlocated-value":
            places, defect = _places(text.translate(_QUOTES), value.translate(_QUOTES), len(ones), taken)
            if not defect:
                what = "a listed value has other quotation marks than the text"
                fixes.append(Problem(ones[0].where, what, "took those of the text", "unlocated-value"))
        if mend and defect and defect[0] == "ambiguous-value":
            fixes.append(Problem(ones[0].where, defect[1], "marked every place", "ambiguous-value"))
            ones += [ones[-1]] * (len(places) - len(ones))
            defect = None
        if defect:
            problems.append(_problem(ones[-1].where, *defect))
            continue
        for one, start in zip(ones, places, strict=True):
            end = start + len(value)
            taken[start:end] = b"\1" * len(value)
            spans.append(DraftSpan(one.where, start, end, one.label, text[start:end]))
    return Located(tuple(sorted(spans, key=lambda span: span.start)), tuple(problems), tuple(fixes))


def _places(text: str, value: str, wanted: int, taken: bytearray) -> tuple[list[int], tuple[str, str] | None]:
    """Where `value` is to be marked, and what is wrong, as its kind and in words."""
    everywhere = list(_occurrences(text, value, taken))
    words = [start for start in everywhere if _is_word(text, start, start + len(value))]
    for places in (words, everywhere):
        if len(places) == wanted:
            return places, None
    if len(everywhere) < wanted:
        what = f"a value listed {wanted} time(s) occurs {len(everywhere)} time(s) in the text"
        return everywhere, ("unlocated-value", what)
    places = words if len(words) > wanted else everywhere
    return places, ("ambiguous-value", f"a value listed {wanted} time(s) occurs {len(places)} time(s) in the text")


def _problem(where: str, kind: str, what: str) -> Problem:
    remedy = "list it as often as it occurs, or mark it with offsets in another format"
    return Problem(where, what, remedy if kind == "ambiguous-value" else "list it as the text has it", kind)


def _occurrences(text: str, value: str, taken: bytearray) -> Iterator[int]:
    start = text.find(value)
    while start >= 0:
        free = not any(taken[start : start + len(value)])
        if free:
            yield start
        start = text.find(value, start + (len(value) if free else 1))


def _is_word(text: str, start: int, end: int) -> bool:
    before = start > 0 and re.match(r"\w\w", text[start - 1 : start + 1])
    after = end < len(text) and re.match(r"\w\w", text[end - 1 : end + 1])
    return not before and not after
