"""A key-value cache that is written in place.

The cache that transformers grows by itself copies all it holds for every new token. Here each layer owns a slab with
room to spare; a step writes one column, and old columns that no row needs any more are skipped, not moved.
"""

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    import torch

_FIRST_CAPACITY = 64


class SlabLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, each a view of shape `(rows, heads, columns, width)` into a larger slab."""

    def lazy_initialization(self, key_states: "torch.Tensor", value_states: "torch.Tensor") -> None:
        """Takes type and device from the first states."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self._key_slab = _empty_like(key_states, _FIRST_CAPACITY)
        self._value_slab = _empty_like(value_states, _FIRST_CAPACITY)
        self._start = self._end = 0
        self.keys, self.values = self._key_slab[:, :, :0], self._value_slab[:, :, :0]
        self.is_initialized = True

    def update(
        self, key_states: "torch.Tensor", value_states: "torch.Tensor", *args: Any, **kwargs: Any
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """Appends columns and returns all that are held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        new = key_states.shape[-2]
        if self._end + new > self._key_slab.shape[-2]:
            self._make_room(new)
        self._key_slab[:, :, self._end : self._end + new] = key_states
        self._value_slab[:, :, self._end : self._end + new] = value_states
        self._end += new
        self._show()
        return self.keys, self.values

    def drop_front(self, columns: int) -> None:
        """Forgets the oldest `columns`."""
        self._start += columns
        self._show()

    def keep_rows(self, rows: "torch.Tensor") -> None:
        """Keeps only `rows`, given as indices."""
        held = self._end - self._start
        self._key_slab = self.keys[rows].clone()
        self._value_slab = self.values[rows].clone()
        self._start, self._end = 0, held
        self._show()

    def _make_room(self, new: int) -> None:
        held = self._end - self._start
        capacity = 2 * (held + new)
        keys, values = _empty_like(self._key_slab, capacity), _empty_like(self._value_slab, capacity)
        keys[:, :, :held], values[:, :, :held] = self.keys, self.values
        self._key_slab, self._value_slab = keys, values
        self._start, self._end = 0, held

    def _show(self) -> None:
        self.keys = self._key_slab[:, :, self._start : self._end]
        self.values = self._value_slab[:, :, self._start : self._end]


class SlabCache(Cache):  # type: ignore[misc]
    """A `SlabLayer` for every layer of a model, made as the model first asks for them."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=SlabLayer)

    def drop_front(self, columns: int) -> None:
        """Forgets the oldest `columns` of all layers."""
        for layer in self.layers:
            layer.drop_front(columns)

    def keep_rows(self, rows: "torch.Tensor") -> None:
        """Keeps only `rows` of all layers."""
        for layer in self.layers:
            layer.keep_rows(rows)


def _empty_like(states: "torch.Tensor", capacity: int) -> "torch.Tensor":
    rows, heads, _, width = states.shape
    return states.new_empty((rows, heads, capacity, width))
