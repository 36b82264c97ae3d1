"""Cuts long token sequences into overlapping windows and puts the windows' scores together again."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `start` to `end` are shown to the encoder; it speaks for `keep_start` to `keep_end` of them."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def cut(n_tokens: int, size: int, overlap: int, offset: int = 0) -> list[Window]:
    """Windows of at most `size` tokens that share about `overlap` with each neighbour and whose kept parts tile.

    Each token is kept from the window in which it stands furthest from a cut edge, so a span across a border is read
    with context on both sides, and every token is spoken for exactly once.

    Args:
        n_tokens: Length of the sequence.
        size: Most tokens a window holds.
        overlap: Tokens shared by neighbours; below `size`.
        offset: Where the first window ends, if above 0 (at most `size`): training shifts its cuts so.
    """
    if n_tokens == 0:
        return []
    end = min(offset or size, n_tokens)
    bounds = [(0, end)]
    while end < n_tokens:
        start = max(0, end - overlap)
        end = min(start + size, n_tokens)
        bounds.append((start, end))
    return _tile(bounds)


def _tile(bounds: list[tuple[int, int]]) -> list[Window]:
    # The middle of what two neighbours share is where both are equally far from their edges.
    seams = [(left[1] + right[0]) // 2 for left, right in pairwise(bounds)]
    keeps = zip([0, *seams], [*seams, bounds[-1][1]], strict=True)
    return [
        Window(start, end, keep_start, keep_end)
        for (start, end), (keep_start, keep_end) in zip(bounds, keeps, strict=True)
    ]
