"""Noise: normal, of the right size, and never the same twice."""

import os

import pytest
import torch
from scipy import stats

from deidrelease.models.private.noise import KEY_BYTES, NoiseStream


def test_it_is_normal() -> None:
    drawn = NoiseStream(bytes(KEY_BYTES)).normal((400, 500), 1.0).flatten().numpy()
    assert stats.kstest(drawn, "norm").pvalue > 1e-6
    # Both halves of the Box-Muller pairs, and neighbours, are independent.
    half = len(drawn) // 2
    assert abs(float((drawn[:half] * drawn[half:]).mean())) < 5 / half**0.5
    assert abs(float((drawn[1:] * drawn[:-1]).mean())) < 5 / len(drawn) ** 0.5


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 5), (0, 4)])
def test_it_comes_in_any_shape(shape: tuple[int, ...]) -> None:
    assert NoiseStream().normal(shape, 2.0).shape == shape


def test_a_stream_goes_on_and_keys_differ() -> None:
    stream = NoiseStream()
    first, second, other = stream.normal((50,), 1.0), stream.normal((50,), 1.0), NoiseStream().normal((50,), 1.0)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_global_seed_decides_nothing() -> None:
    torch.manual_seed(0)
    first = NoiseStream().normal((50,), 1.0)
    torch.manual_seed(0)
    assert not torch.equal(first, NoiseStream().normal((50,), 1.0))


def test_the_fingerprint_tells_keys_apart_and_is_not_the_key() -> None:
    key = os.urandom(KEY_BYTES)
    assert NoiseStream(key).fingerprint == NoiseStream(key).fingerprint != NoiseStream().fingerprint
    assert key.hex() not in NoiseStream(key).fingerprint


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        NoiseStream(b"seed")
