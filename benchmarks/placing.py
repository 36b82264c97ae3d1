"""Puts text into a note and moves its spans along."""

import re
from dataclasses import replace

import numpy as np

from deidrelease.notes import Note, Span

_CARRIERS = ("Se anota {}.", "Consta {} en la ficha.", "Dato recogido: {}.", "Figura {} en el volante.")
"""Sentences of our own; a value does not stand bare in a release."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def inserted(note: Note, at: int, text: str) -> Note:
    """`note` with `text` before its code point `at`; spans behind move, spans around it grow."""
    moved = (Span(s.start + (s.start >= at) * len(text), s.end + (s.end > at) * len(text), s.label) for s in note.spans)
    return replace(note, text=note.text[:at] + text + note.text[at:], spans=tuple(moved))


def replaced(note: Note, span: Span, text: str) -> Note:
    """`note` with `text` where `span` was; the span covers it, others that overlapped `span` are gone."""
    shift = len(text) - (span.end - span.start)
    spans = [Span(span.start, span.start + len(text), span.label)]
    for other in note.spans:
        if other.end <= span.start:
            spans.append(other)
        elif other.start >= span.end:
            spans.append(Span(other.start + shift, other.end + shift, other.label))
    return replace(note, text=note.text[: span.start] + text + note.text[span.end :], spans=tuple(spans))


def with_sentence(note: Note, label: str, text: str, rng: np.random.Generator, after: int = 0) -> tuple[Note, int]:
    """`note` with a sentence that holds `text`, behind the code point `after`; and where `text` begins."""
    before, behind = _CARRIERS[int(rng.integers(len(_CARRIERS)))].split("{}")
    at = sentence_border(note, rng, after)
    note = inserted(note, at, f" {before}{text}{behind} ")
    start = at + 1 + len(before)
    return replace(note, spans=(*note.spans, Span(start, start + len(text), label))), start


def sentence_border(note: Note, rng: np.random.Generator, after: int = 0) -> int:
    """A place between two sentences that no span covers; the end of the note where there is none."""
    free = [
        match.end()
        for match in _SENTENCE_END.finditer(note.text)
        if match.end() > after and not any(s.start < match.end() < s.end for s in note.spans)
    ]
    return free[int(rng.integers(len(free)))] if free else len(note.text)


def blank_before(text: str, at: int) -> int:
    """The last blank of `text` before `at`; `at` where there is none."""
    return max((match.start() for match in re.finditer(r"\s", text[:at])), default=at)
