"""What a span covers against what its source says that it covers, and in which units the source may have counted.

Offsets are code points here. Other tools count bytes of UTF-8, UTF-16 code units, or a CR LF as one; their offsets are
off by a little more after every such place. Where quoted texts are there, the units can be told beyond doubt.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, islice, zip_longest

from deidrelease.formats.drafts import DraftSpan

MARK = "\ufeff"
"""A byte order mark, which some editors put in front of a text."""
LINE_ENDS = str.maketrans(dict.fromkeys("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))
"""Formats that stand on lines write line ends inside a quoted text as spaces."""


def same_text(covered: str, quoted: str) -> bool:
    """Whether the note's text is what the annotation quotes; line ends may stand as spaces."""
    return covered == quoted or covered.translate(LINE_ENDS) == quoted.translate(LINE_ENDS)


def counted_otherwise(text: str, spans: Sequence[DraftSpan]) -> str | None:
    """The units that explain the offsets of all spans with quoted texts, where code points do not; None otherwise."""
    quoted = [span for span in spans if span.covered is not None]
    if not quoted or all(_fits(text, span, (span.start, span.end)) for span in quoted):
        return None
    for name in _UNITS:
        if name == _MARK and not text.startswith(MARK):
            continue
        pairs = converted(text, quoted, name)
        if pairs and all(_fits(text, span, pair) for span, pair in zip(quoted, pairs, strict=True)):
            return name
    return None


def converted(text: str, spans: Sequence[DraftSpan], name: str) -> list[tuple[int, int]] | None:
    """The offsets of `spans` in code points, from units called `name`; None where one is no border of a character."""
    wanted = {offset for span in spans for offset in (span.start, span.end)}
    places: dict[int, int] = {}
    for place, offset in enumerate(_UNITS[name](text)):
        # Of code points that take no room in those units, the first is meant. Only what is asked for is kept: a dict
        # of all places of a large note would take a hundred times its text.
        if offset in wanted:
            places.setdefault(offset, place)
    if len(places) < len(wanted):
        return None
    return [(places[span.start], places[span.end]) for span in spans]


def _fits(text: str, span: DraftSpan, pair: tuple[int, int]) -> bool:
    start, end = pair
    return 0 <= start < end <= len(text) and same_text(text[start:end], span.covered or "")


def _sums(sizes: Iterable[int]) -> Iterable[int]:
    return accumulate(sizes, initial=0)


def _with_returns(text: str) -> Iterable[int]:
    # A text whose line ends were made LF after it was annotated.
    previous = chain("\0", text)
    return _sums(
        2 if character == "\n" and before != "\r" else 1 for before, character in zip(previous, text, strict=False)
    )


def _without_returns(text: str) -> Iterable[int]:
    return _sums(
        0 if character == "\r" and following == "\n" else 1
        for character, following in zip_longest(text, islice(text, 1, None), fillvalue="")
    )


_MARK = "no byte order mark"
# Each gives the offset, in its units, of every code point and of the end.
_UNITS: dict[str, Callable[[str], Iterable[int]]] = {
    "CR LF as one": _without_returns,
    "LF as CR LF": _with_returns,
    _MARK: lambda text: range(-1, len(text)),
    "UTF-16 code units": lambda text: _sums(2 if ord(character) > 0xFFFF else 1 for character in text),
    "UTF-8 bytes": lambda text: _sums(len(character.encode("utf-8", "replace")) for character in text),
}
