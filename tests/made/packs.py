"""Writes an e5 pack byte by byte, as its format is documented; shares no code with the reader."""

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HIDDEN, LAYERS, WIDE, POSITIONS = 32, 2, 64, 40
PIECES = [
    ("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("▁pa", -3.0), ("ciente", -3.5),
    ("▁paciente", -4.0), ("a", -5.0), ("b", -5.0), ("1", -5.0), ("2", -5.0), ("/", -5.5), ("12", -6.0),
    ("▁B", -6.5), (".", -6.0), ("é", -7.0), ("fi", -7.5), ("漢", -8.0), ("<mask>", 0.0),
]  # fmt: skip
# NFKC, but for what a pack says of control characters and line ends.
REPLACED = {"\x01": "", "\t": " ", "\n": " ", "\r": " ", "\u200b": " ", "ﬁ": "fi"}


def q4_0(values: NDArray[np.float32]) -> bytes:
    """Quantises rows as ggml's reference does: blocks of 32, the largest value at -8."""
    packed = b""
    for block in values.reshape(-1, 32):
        top = block[np.abs(block).argmax()]
        scale = np.float16(top / -8)
        codes = [min(15, int(value / float(scale) + 8.5)) if scale else 8 for value in block]
        packed += struct.pack("<e", scale) + bytes(codes[i] | codes[i + 16] << 4 for i in range(16))
    return packed


def from_q4_0(packed: bytes) -> list[float]:
    """A value at a time."""
    values: list[float] = []
    for start in range(0, len(packed), 18):
        (scale,) = struct.unpack_from("<e", packed, start)
        nibbles = packed[start + 2 : start + 18]
        values += [((byte & 15) - 8) * scale for byte in nibbles] + [((byte >> 4) - 8) * scale for byte in nibbles]
    return values


@dataclass
class MadePack:
    """The bytes, and what a reader should find in them."""

    data: bytes
    matrices: dict[str, list[float]] = field(default_factory=dict)


def make_pack(seed: int = 0) -> MadePack:
    rng = np.random.default_rng(seed)
    rows = len(PIECES) + 3  # as in the real one, there are more rows than pieces
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack("<7i", HIDDEN, LAYERS, 4, WIDE, rows, POSITIONS, 2) + struct.pack("<fi", 1e-12, 32)
    texts = [piece.encode() for piece, _ in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += struct.pack("<5i", len(PIECES), 0, 2, 1, 3) + struct.pack("<Q", sum(map(len, texts))) + offsets
    head += struct.pack(f"<{len(PIECES)}f", *(score for _, score in PIECES)) + b"".join(texts)
    replaced = b"".join(
        struct.pack(f"<IB{len(to)}I", ord(of), len(to), *map(ord, to)) for of, to in sorted(REPLACED.items())
    )
    head += struct.pack("<iI", len(REPLACED), len(replaced)) + replaced
    tensors = [*_tensors(rng, rows)]
    directory_size = 4 + sum(2 + len(name) + 21 for name, *_ in tensors)
    directory, body, made = struct.pack("<i", len(tensors)), b"", MadePack(b"")
    for name, values, quantised in tensors:
        data = q4_0(values) if quantised else values.astype("<f4").tobytes()
        offset = len(head) + directory_size + len(body)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 1 if quantised else 0, values.size, offset, len(data))
        body += data
        made.matrices[name] = from_q4_0(data) if quantised else values.ravel().tolist()
    made.data = head + directory + body
    return made


def _tensors(rng: np.random.Generator, rows: int) -> list[tuple[str, NDArray[np.float32], bool]]:
    def some(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.1, shape).astype(np.float32)

    tensors = [("emb.word", some(rows, HIDDEN), True), ("emb.pos", some(POSITIONS, HIDDEN), False)]
    tensors += [("emb.type", some(2, HIDDEN), False)]
    tensors += [("emb.ln.w", some(HIDDEN) + 1, False), ("emb.ln.b", some(HIDDEN), False)]
    for layer in range(LAYERS):
        shapes = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
        shapes |= {"fi": (WIDE, HIDDEN), "fo": (HIDDEN, WIDE)}
        for name, shape in shapes.items():
            tensors += [(f"l{layer}.{name}.w", some(*shape), True), (f"l{layer}.{name}.b", some(shape[0]), False)]
        for name in ("aln", "oln"):
            tensors += [(f"l{layer}.{name}.w", some(HIDDEN) + 1, False), (f"l{layer}.{name}.b", some(HIDDEN), False)]
    return tensors
