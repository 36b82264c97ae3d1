"""Finds values that are nearly the same among a hundred thousand, in microseconds and without missing one.

Two strings whose Levenshtein distance is at most k must share a piece: cut one into k + 1 pieces and k edits cannot
touch them all (Li, Deng, Wang and Feng, "Pass-Join", PVLDB 5(3), 2011, Lemma 1). So the pieces of all values are
indexed, and only values that share one with the question, at nearly the same place, are compared.
"""

from collections.abc import Iterable, Iterator

SIMILAR = 0.9
"""Normalised Levenshtein similarity, 1 - distance / longer length, from which two values count as nearly the same."""
SHORTEST = 8
"""Code points below which only equality counts."""


def most_edits(length: int) -> int:
    """The greatest distance at which strings, the longer of `length` code points, are still nearly the same."""
    return length - _ceiling(length * 9)


def _ceiling(tenths: int) -> int:
    return -(-tenths // 10)


class Nearness:
    """The values that a question may not come near to; kept as an index of their pieces.

    Args:
        values: Normalised; those shorter than `SHORTEST` are left out.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values: list[str] = sorted({value for value in values if len(value) >= SHORTEST})
        self._pieces: dict[tuple[int, int, str], list[int]] = {}
        for number, value in enumerate(self._values):
            for index, (start, end) in enumerate(_cut(len(value))):
                self._pieces.setdefault((len(value), index, value[start:end]), []).append(number)
        self._lengths = {len(value) for value in self._values}

    def hit(self, value: str) -> bool:
        """Whether a value of the index is at least `SIMILAR` to `value`, which is normalised."""
        if len(value) < SHORTEST:
            return False
        from rapidfuzz.distance import Levenshtein

        length = len(value)
        for other in range(_ceiling(length * 9), length * 10 // 9 + 1):
            if other not in self._lengths:
                continue
            edits = most_edits(max(length, other))
            seen: set[int] = set()
            for number in self._sharing(value, other, edits):
                if number not in seen:
                    seen.add(number)
                    if Levenshtein.distance(value, self._values[number], score_cutoff=edits) <= edits:
                        return True
        return False

    def _sharing(self, value: str, other: int, edits: int) -> Iterator[int]:
        for index, (start, end) in enumerate(_cut(other)):
            for at in range(max(0, start - edits), min(len(value) - (end - start), start + edits) + 1):
                yield from self._pieces.get((other, index, value[at : at + end - start]), ())


def _cut(length: int) -> Iterator[tuple[int, int]]:
    # The longest partner allows the most edits; one piece more than that must stay whole.
    pieces = most_edits(length * 10 // 9) + 1
    for index in range(pieces):
        yield index * length // pieces, (index + 1) * length // pieces
