"""The slab cache holds what transformers' growing cache would, whatever is done to both."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.cache_utils import DynamicCache

from deidrelease.models.causal.cache import SlabCache

LAYERS = 2
steps = st.one_of(
    st.tuples(st.just("update"), st.integers(1, 90)),
    st.tuples(st.just("drop"), st.floats(0, 1)),
    st.tuples(st.just("keep"), st.integers(0, 2**31)),
)


def states(rows: int, columns: int, width: int) -> torch.Tensor:
    return torch.randn(rows, 3, columns, width)


@settings(deadline=None)
@given(st.lists(steps, max_size=12), st.integers(1, 5), st.integers(0, 2**31))
def test_like_the_growing_cache(script: list[tuple[str, float]], rows: int, seed: int) -> None:
    torch.manual_seed(seed)
    slab, growing = SlabCache(), DynamicCache()
    for what, amount in [("update", 2), *script]:
        held = growing.get_seq_length()
        if what == "update":
            for layer in range(LAYERS):
                keys, values = states(rows, int(amount), 4), states(rows, int(amount), 6)
                shown = slab.update(keys, values, layer)
                expected = growing.update(keys.clone(), values.clone(), layer)
                assert all(torch.equal(a, b) for a, b in zip(shown, expected, strict=True))
        elif what == "drop":
            columns = int(amount * held)
            slab.drop_front(columns)
            for layer in growing.layers:
                layer.keys, layer.values = layer.keys[:, :, columns:], layer.values[:, :, columns:]
        else:
            chosen = torch.nonzero(torch.rand(rows) < 0.6).flatten()
            chosen = chosen if len(chosen) else torch.tensor([rows - 1])
            rows = len(chosen)
            slab.keep_rows(chosen)
            for layer in growing.layers:  # batch_select_indices leaves an empty cache with its old rows
                layer.keys, layer.values = layer.keys[chosen], layer.values[chosen]
        assert slab.get_seq_length() == growing.get_seq_length()
        for mine, theirs in zip(slab.layers, growing.layers, strict=True):
            assert torch.equal(mine.keys, theirs.keys)
            assert torch.equal(mine.values, theirs.values)


def test_a_step_copies_nothing_that_is_held() -> None:
    cache = SlabCache()
    cache.update(states(2, 1, 4), states(2, 1, 4), 0)
    place = cache.layers[0].keys.data_ptr()
    for _ in range(20):
        cache.update(states(2, 1, 4), states(2, 1, 4), 0)
    assert cache.layers[0].keys.data_ptr() == place


def test_the_slab_stays_bounded_when_old_columns_go() -> None:
    cache = SlabCache()
    for _ in range(2000):
        cache.update(states(1, 1, 4), states(1, 1, 4), 0)
        if cache.get_seq_length() > 50:
            cache.drop_front(1)
    slab = cache.layers[0].keys.untyped_storage().nbytes() // (3 * 4 * 4)
    assert slab <= 2 * 52
