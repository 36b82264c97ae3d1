"""The footer of a Parquet file: its columns, and where their pages lie.

pyarrow has all of this, but asking it about a column of a damaged file ends the whole process. The structs:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from deidrelease.formats.pages import BombError, Chunk, PageError
from deidrelease.formats.thrift import BINARY, I32, I64, LIST, STRUCT, Struct, ThriftError, read_struct

FOOTER_BYTES = 16 * 1024 * 1024
_MAGIC = b"PAR1"
_REPEATED = 2
_BYTE_ARRAY = 6


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of plain values.

    Attributes:
        path: Names from the outermost column to this, joined by dots.
        nested: Whether a row may have many values.
        text: Whether its values are strings, or bytes.
    """

    path: str
    nested: bool
    text: bool

    @property
    def column(self) -> str:
        """The column of the table that this one is, or is a part of."""
        return self.path.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rows: how many the footer says that there are, and where the pages of each column lie."""

    rows: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer says of the columns, and of the groups of rows."""

    leaves: tuple[Leaf, ...]
    groups: tuple[Group, ...]


def read_footer(stream: BinaryIO) -> Footer:
    """The footer of a file.

    Raises:
        PageError: There is none, or it cannot be understood.
        BombError: It is larger than `FOOTER_BYTES`.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(size - 8, 0))
    tail = stream.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - 12:
        raise PageError
    if length > FOOTER_BYTES:
        raise BombError
    stream.seek(size - 8 - length)
    try:
        whole, _ = read_struct(stream.read(length))
    except (ThriftError, IndexError):
        raise PageError from None
    leaves = tuple(_leaves(_structs(whole, 2)))
    return Footer(leaves, tuple(_group(group, leaves) for group in _structs(whole, 4)))


def _structs(struct: Struct, number: int) -> list[Struct]:
    kind, elements = struct.get(number, LIST, (STRUCT, []))
    if elements and kind != STRUCT:
        raise PageError
    return list(elements)


def _leaves(schema: Sequence[Struct]) -> Iterator[Leaf]:
    """The leaves of the schema, a tree that is written down parents first."""
    rest = iter(schema)
    if (root := next(rest, None)) is None:
        raise PageError
    # For each open parent: how many children are still to come, its path, and whether it is nested.
    parents: list[tuple[int, list[str], bool]] = [(root.get(5, I32, 0), [], False)]
    for element in rest:
        while parents and not parents[-1][0]:
            parents.pop()
        if not parents:
            raise PageError
        left, path, nested = parents.pop()
        parents.append((left - 1, path, nested))
        here = [*path, _text(element.get(4, BINARY))]
        nested = nested or element.get(3, I32) == _REPEATED
        if children := element.get(5, I32, 0):
            parents.append((children, here, nested))
        else:
            yield Leaf(".".join(here), nested, element.get(1, I32) == _BYTE_ARRAY)
        if children < 0 or len(here) > 32:
            raise PageError


def _text(raw: Any) -> str:
    try:
        return str(raw.decode("utf-8"))
    except (AttributeError, UnicodeDecodeError):
        raise PageError from None


def _group(group: Struct, leaves: Sequence[Leaf]) -> Group:
    columns = _structs(group, 1)
    rows = group.get(3, I64)
    if len(columns) != len(leaves) or rows is None or rows < 0:
        raise PageError
    return Group(rows, tuple(_chunk(column, leaf) for column, leaf in zip(columns, leaves, strict=True)))


def _chunk(column: Struct, leaf: Leaf) -> Chunk:
    described = column.get(3, STRUCT)
    # Field 1 would name another file in which the pages lie.
    if described is None or column.get(1, BINARY):
        raise PageError
    start, length, dictionary = described.get(9, I64), described.get(7, I64), described.get(11, I64, 0)
    if start is None or length is None or start < 0 or length < 0:
        raise PageError
    # As pyarrow finds the first page.
    return Chunk(leaf.path, dictionary if 0 < dictionary < start else start, length, leaf.nested)
