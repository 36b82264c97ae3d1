"""Writes and reads safetensors files a block of rows at a time, so that no model need fit into memory."""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

# numpy has no bfloat16: its bits are carried as they are.
_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "U8": "u1"}
_BFLOAT16_EXPONENT = 0x7F80
_ROWS_AT_ONCE = 4096
_HEADER_MOST = 100_000_000  # the limit of the format


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that is to be written.

    Attributes:
        name: Its key.
        shape: Its dimensions.
        blocks: Gives its values in order, as arrays of any cut.
        dtype: As safetensors calls it.
    """

    name: str
    shape: tuple[int, ...]
    blocks: "Callable[[], Iterator[NDArray[Any]]]"
    dtype: str = "F32"

    @property
    def length(self) -> int:
        """In bytes."""
        return prod(self.shape) * int(_STORED[self.dtype][-1])


def write_weights(path: Path, tensors: Sequence[Tensor], advance: Callable[[float], None] = lambda _: None) -> None:
    """Writes `tensors` as a safetensors file.

    Args:
        path: The new file.
        tensors: In the order in which they are to lie.
        advance: Told the number of bytes written.

    Raises:
        ModelError: A value is not finite, or a tensor has fewer or more values than its shape says.
    """
    with path.open("xb") as stream:
        stream.write(_header(tensors))
        for tensor in tensors:
            written = 0
            for block in tensor.blocks():
                check_finite(tensor.name, block, tensor.dtype)
                data = block.astype(_STORED[tensor.dtype], copy=False).tobytes()
                stream.write(data)
                written += len(data)
                advance(len(data))
            if written != tensor.length:
                what = f"holds {written} bytes, not {tensor.length}"
                raise ModelError("Weights are damaged.", [Problem(tensor.name, what, "fetch the model again")])


def _header(tensors: Sequence[Tensor]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for tensor in tensors:
        offsets = [start, start + tensor.length]
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        start = offsets[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def read_tensors(path: Path) -> list[Tensor]:
    """The tensors of a safetensors file, their values still on disk.

    Raises:
        ModelError: It is no safetensors file, is cut off, or holds a dtype that no starting point has.
    """
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _HEADER_MOST:
                raise ValueError
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        tensors = [_stored(path, 8 + length, name, entry) for name, entry in header.items()]
        if 8 + length + sum(tensor.length for tensor in tensors) != path.stat().st_size:
            raise ValueError
    except (ValueError, struct.error, AttributeError, KeyError, TypeError):
        problem = Problem(str(path), "is no whole safetensors file of floats", "save the model with save_pretrained")
        raise ModelError("Weights cannot be read.", [problem]) from None
    return tensors


def some_rows(tensor: Tensor, wanted: Sequence[int]) -> Tensor:
    """The tensor with only the rows `wanted`, which must rise."""
    import numpy as np

    def blocks() -> "Iterator[NDArray[Any]]":
        chosen, start = np.asarray(wanted), 0
        for block in tensor.blocks():
            first, last = np.searchsorted(chosen, [start, start + len(block)])
            yield block[chosen[first:last] - start]
            start += len(block)

    return Tensor(tensor.name, (len(wanted), *tensor.shape[1:]), blocks, tensor.dtype)


def check_finite(name: str, block: "NDArray[Any]", dtype: str = "F32") -> None:
    """Makes sure that every value is a number.

    Raises:
        ModelError: One is infinite or not a number.
    """
    import numpy as np

    finite = (block & _BFLOAT16_EXPONENT) != _BFLOAT16_EXPONENT if dtype == "BF16" else np.isfinite(block)
    if not finite.all():
        problem = Problem(name, "holds values that are not finite", "fetch the model again")
        raise ModelError("Weights are damaged.", [problem])


def _stored(path: Path, begin: int, name: str, entry: dict[str, Any]) -> Tensor:
    import numpy as np

    dtype, shape = entry["dtype"], tuple(entry["shape"])
    offset = begin + entry["data_offsets"][0]

    def blocks() -> "Iterator[NDArray[Any]]":
        mapped = np.memmap(path, _STORED[dtype], "r", offset, shape or (1,))
        for start in range(0, len(mapped), _ROWS_AT_ONCE):
            yield np.asarray(mapped[start : start + _ROWS_AT_ONCE])

    return Tensor(name, shape, blocks, dtype)
