"""The longest span that each synthetic note shares with private notes, from one suffix array of both: the oracle.

`pydivsufsort` sorts the suffixes and finds common prefixes (Kasai et al. 2001); the rest are two sweeps in numpy.
It gets this project's tokeniser and the fastest way to number tokens, so that only the search is compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.text.tokens import Normal, tokenise_all

_FAR = np.int64(1 << 31)


def longest_spans(synthetic: Sequence[str], private: Sequence[str], normal: Normal) -> NDArray[np.int64]:
    """For every synthetic note the tokens of the longest span that stands in a private note too; (n_synthetic,)."""
    ids, firsts, n_tokens = _numbered([*synthetic, *private], normal)
    n = len(synthetic)
    matched = _matches(ids, int(firsts[n]))
    starts, counts = firsts[:n], np.diff(firsts[: n + 1])
    # Behind each token the tokens that its note still has: a span that goes on over the end is no longer than that.
    room = np.repeat(firsts[1 : n + 1] - 1, counts) - np.arange(firsts[n])
    del n_tokens
    return np.maximum.reduceat(np.minimum(matched, room), starts)


def _numbered(texts: Sequence[str], normal: Normal) -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
    """Token numbers from 1 with a 0 behind each note, and the place of the first token of each note."""
    import pyarrow as pa

    tokens, bounds = tokenise_all(texts, normal)
    numbers = pa.array(tokens.codes).dictionary_encode().indices.to_numpy()
    firsts = bounds + np.arange(len(bounds))
    ids = np.zeros(len(numbers) + len(texts), np.int32)
    ids[np.arange(len(numbers)) + np.repeat(np.arange(len(texts)), np.diff(bounds))] = numbers + 1
    return ids, firsts, len(tokens.codes)


def _matches(ids: NDArray[np.int32], n_synthetic: int) -> NDArray[np.int64]:
    """For each synthetic token how far it agrees with the private suffix that agrees furthest."""
    from pydivsufsort import divsufsort, kasai

    order = divsufsort(ids)
    # `common[i]`: of the suffixes at ranks i and i + 1.
    common = np.asarray(kasai(ids, order), np.int64)
    ours = order < n_synthetic
    before = np.concatenate([np.zeros(1, np.int64), common[:-1]])
    best = np.maximum(_swept(before, ours), _swept(common[::-1], ours[::-1])[::-1])
    matched = np.zeros(n_synthetic, np.int64)
    matched[order[ours]] = best[ours]
    return matched


def _swept(to_last: NDArray[np.int64], ours: NDArray[np.bool_]) -> NDArray[np.int64]:
    """At each rank the least of `to_last` since the private suffix before it; 0 where there is none."""
    block = np.cumsum(~ours)
    # Each block begins at a private suffix, and lies so far below the one before that its minimum starts afresh.
    values = np.where(ours, to_last, _FAR - 1) - block * _FAR
    least = np.minimum.accumulate(values) + block * _FAR
    return np.where(block == 0, 0, least)
