"""The next token, against plain numpy and by hand."""

from math import log, nextafter

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deidrelease.models.causal.choosing import Choosing


def plain(scores: NDArray[np.float32], choosing: Choosing) -> tuple[list[int], NDArray[np.float64]]:
    """Candidates, likeliest first, and their probabilities after top-k, then top-p."""
    order = sorted(range(len(scores)), key=lambda token: -scores[token])[: choosing.top_k or len(scores)]
    heat = np.array([float(scores[token]) for token in order]) / choosing.temperature
    shares = np.exp(heat - heat.max()) / np.exp(heat - heat.max()).sum()
    kept, reached = [], 0.0
    for share in shares:
        if reached >= choosing.top_p:
            break
        kept.append(share)
        reached += share
    return order[: len(kept)], np.array(kept) / sum(kept)


def apart(shares: NDArray[np.float64], top_p: float) -> bool:
    return bool(np.all(np.abs(np.cumsum(shares) - top_p) > 1e-9))


choosings = st.builds(
    Choosing,
    temperature=st.floats(0.2, 3),
    top_k=st.integers(0, 25),
    top_p=st.floats(0.05, 1),
    repetition_penalty=st.just(1.0),
)


@given(choosings, st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_draws_follow_the_plain_distribution(choosing: Choosing, vocabulary: int, seed: int) -> None:
    scores = (3 * np.random.default_rng(seed).normal(size=vocabulary)).astype(np.float32)
    candidates, shares = plain(scores, choosing)
    everything = plain(scores, Choosing(choosing.temperature, choosing.top_k, 1.0, 1.0))[1]
    assume(apart(everything, choosing.top_p) or choosing.top_p == 1.0)
    # A draw in the middle of a candidate's share gives that candidate; each has one, so the whole law is checked.
    ends = np.cumsum(shares)
    middles = ends - shares / 2
    chosen = choosing.choose(torch.tensor(np.tile(scores, (len(middles), 1))), [[]] * len(middles), middles.tolist())
    assert chosen == candidates
    # And its edges are where the plain distribution has them.
    close = [end - 1e-7 for end in ends if end > 1e-6]
    chosen = choosing.choose(torch.tensor(np.tile(scores, (len(close), 1))), [[]] * len(close), close)
    expected = [candidates[int(np.searchsorted(ends, draw, side="right"))] for draw in close]
    wide = [i for i, draw in enumerate(close) if np.all(np.abs(ends - draw) > 1e-9)]
    assert [chosen[i] for i in wide] == [expected[i] for i in wide]


@given(choosings, st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_the_greatest_draw_stays_inside_the_nucleus(choosing: Choosing, vocabulary: int, seed: int) -> None:
    scores = (3 * np.random.default_rng(seed).normal(size=vocabulary)).astype(np.float32)
    everything = plain(scores, Choosing(choosing.temperature, choosing.top_k, 1.0, 1.0))[1]
    assume(apart(everything, choosing.top_p) or choosing.top_p == 1.0)
    last = choosing.choose(torch.tensor(scores)[None], [[]], [nextafter(1.0, 0.0)])
    assert last == [plain(scores, choosing)[0][-1]]


# Four tokens alike: each holds exactly a quarter, so that the edges of the shares are known to the bit.
ALIKE = torch.zeros(6, 4)


@pytest.mark.parametrize(("top_p", "n_kept"), [(0.01, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (1.0, 4)])
def test_as_few_candidates_as_reach_top_p(top_p: float, n_kept: int) -> None:
    draws = [i / 1000 for i in range(1000)]
    chosen = Choosing(1.0, 0, top_p, 1.0).choose(torch.zeros(1000, 4), [[]] * 1000, draws)
    assert len(set(chosen)) == n_kept
    counts = sorted(chosen.count(token) for token in set(chosen))
    assert counts[-1] - counts[0] <= 1


def test_a_share_holds_its_lower_edge_and_not_its_upper() -> None:
    below = nextafter(0.25, 0.0), nextafter(0.5, 0.0), nextafter(1.0, 0.0)
    a, a_last, b, b_last, c, d_last = Choosing(1.0, 0, 1.0, 1.0).choose(
        ALIKE.clone(), [[]] * 6, [0.0, below[0], 0.25, below[1], 0.5, below[2]]
    )
    assert (a, b) == (a_last, b_last)
    assert len({a, b, c, d_last}) == 4


def test_rows_are_chosen_on_their_own() -> None:
    scores = torch.tensor([[0.0, 9.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    assert Choosing(0.01, 0, 1.0, 1.0).choose(scores, [[], [], []], [0.1, 0.5, 0.99]) == [1, 0, 2]


@pytest.mark.parametrize(
    ("penalty", "seen", "expected"),
    [
        # Scores 2.0, 1.5, -1.0, -1.5. With penalty 2 a seen 2.0 becomes 1.0 and a seen -1.0 becomes -2.0.
        (1.0, [0, 0], [0, 1, 2, 3]),
        (2.0, [], [0, 1, 2, 3]),
        (2.0, [0], [1, 0, 2, 3]),
        (2.0, [0, 0, 0], [1, 0, 2, 3]),  # however often it stands there, once is what counts
        (2.0, [2], [0, 1, 3, 2]),
        (4.0, [0, 1], [0, 1, 2, 3]),
        (4.0, [1, 2], [0, 1, 3, 2]),
    ],
)
def test_the_repetition_penalty(penalty: float, seen: list[int], expected: list[int]) -> None:
    scores = torch.tensor([[2.0, 1.5, -1.0, -1.5]])
    choosing = Choosing(1.0, 0, 1.0, penalty)
    ranking: list[int] = []
    for draw in (i / 1000 for i in range(1000)):
        [token] = choosing.choose(scores.clone(), [seen], [draw])
        if token not in ranking:
            ranking.append(token)
    assert ranking == expected


def test_the_penalised_probability_by_hand() -> None:
    # log 4 halves to log 2: from 4:1 the odds become 2:1, so the edge moves from 0.8 to 2/3.
    scores = torch.tensor([[log(4), 0.0]])
    choosing = Choosing(1.0, 0, 1.0, 2.0)
    assert choosing.choose(scores.clone(), [[0]], [0.66]) == [0]
    assert choosing.choose(scores.clone(), [[0]], [0.67]) == [1]
    assert choosing.choose(scores.clone(), [[]], [0.79]) == [0]
    assert choosing.choose(scores.clone(), [[]], [0.81]) == [1]
