"""The best valid BIO tag sequence for a note: an `I` only ever follows a `B` or an `I` of its own label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def decode(scores: "Sequence[NDArray[np.float32]]") -> "list[NDArray[np.intp]]":
    """Viterbi under hard constraints, for many notes at once.

    Args:
        scores: For each note, log-probabilities or logits of shape `(n_tokens, n_tags)`, tags in the order of
            `tags.tag_names`. Notes may differ in length.

    Returns:
        For each note the tags, of shape `(n_tokens,)`, with the highest sum among the valid sequences.
    """
    greedy = [matrix.argmax(axis=1) for matrix in scores]
    broken = [i for i, tags in enumerate(greedy) if not is_valid(tags)]
    for i, tags in zip(broken, _viterbi([scores[i] for i in broken]), strict=True):
        greedy[i] = tags
    return greedy


def is_valid(tags: "NDArray[np.intp]") -> bool:
    """Whether every `I` follows a `B` or an `I` of its own label."""
    import numpy as np

    previous = np.concatenate([[0], tags[:-1]])
    inside = (tags > 0) & (tags % 2 == 0)
    return bool(np.all(~inside | (previous == tags) | (previous == tags - 1)))


def _viterbi(scores: "Sequence[NDArray[np.float32]]") -> "list[NDArray[np.intp]]":
    import numpy as np

    if not scores:
        return []
    longest, n_tags = max(map(len, scores)), scores[0].shape[1]
    emit = np.zeros((longest, len(scores), n_tags), dtype=np.float64)
    for i, matrix in enumerate(scores):
        emit[: len(matrix), i] = matrix
    best = emit[0].copy()
    best[:, 2::2] = -np.inf
    came_from = np.zeros((longest, len(scores), n_tags), dtype=np.int16)
    finals = np.full((len(scores),), 0, dtype=np.intp)
    lengths = np.array([len(matrix) for matrix in scores])
    finals[lengths == 1] = best.argmax(axis=1)[lengths == 1]
    for t in range(1, longest):
        best = _advance(best, emit[t], came_from[t])
        ending = lengths == t + 1
        finals[ending] = best.argmax(axis=1)[ending]
    return [_trace(came_from[:, i], finals[i], lengths[i]) for i in range(len(scores))]


def _advance(
    best: "NDArray[np.float64]", emit: "NDArray[np.float64]", came_from: "NDArray[np.int16]"
) -> "NDArray[np.float64]":
    import numpy as np

    top = best.argmax(axis=1)
    rows = np.arange(len(best))
    following: NDArray[np.float64] = emit + best[rows, top][:, None]
    came_from[:] = top[:, None]
    begin, inside = best[:, 1::2], best[:, 2::2]
    from_inside = inside > begin
    following[:, 2::2] = emit[:, 2::2] + np.where(from_inside, inside, begin)
    tags = np.arange(1, best.shape[1], 2)
    came_from[:, 2::2] = tags + from_inside
    return following


def _trace(came_from: "NDArray[np.int16]", final: int, length: int) -> "NDArray[np.intp]":
    import numpy as np

    tags = np.zeros(length, dtype=np.intp)
    if length:
        tags[-1] = final
    for t in range(length - 1, 0, -1):
        tags[t - 1] = came_from[t, tags[t]]
    return tags
