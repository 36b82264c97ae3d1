"""Thrift's compact protocol, as much as Parquet uses of it: a struct becomes field numbers and values.

A value is known with its type on the wire, and asked for by type, because Thrift's own readers pass over a field of
another type than they expect; to read it all the same would be to see another file than they do. The protocol:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from dataclasses import dataclass, field
from typing import Any

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
_TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _SET = 1, 2, 3, 4, 7, 10
_DEPTH = 16


class ThriftError(ValueError):
    """The bytes are no struct."""


@dataclass(frozen=True, slots=True)
class Struct:
    """The fields of a struct, each with its type."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def get(self, number: int, kind: int, default: Any = None) -> Any:
        """The value of a field; `default` where it is absent, or of another type."""
        found, value = self.fields.get(number, (0, None))
        return value if found == kind else default


def read_struct(raw: bytes, at: int = 0, depth: int = _DEPTH) -> tuple[Struct, int]:
    """A struct that begins at `at`, and the place behind it.

    Raises:
        ThriftError: It is none, or has a field twice.
        IndexError: `raw` ends before it does.
    """
    if not depth:
        raise ThriftError
    fields: dict[int, tuple[int, Any]] = {}
    number = 0
    while head := raw[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(raw, at)
        kind = head & 15
        # Of two, Thrift takes the last, but of structs a mixture of both.
        if number in fields:
            raise ThriftError
        if kind in (_TRUE, _FALSE):
            fields[number] = _TRUE, kind == _TRUE
        else:
            value, at = _value(raw, at, kind, depth)
            fields[number] = kind, value
    return Struct(fields), at + 1


def _value(raw: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_I16, I32, I64):
        return _integer(raw, at)
    if kind == STRUCT:
        return read_struct(raw, at, depth - 1)
    if kind == BINARY:
        length, at = _varint(raw, at)
        return raw[at : _within(raw, at + length)], at + length
    if kind in (LIST, _SET):
        return _list(raw, at, depth)
    if kind in (_BYTE, _DOUBLE):
        return None, _within(raw, at + (1 if kind == _BYTE else 8))
    # Parquet has no maps. What cannot be skipped cannot be trusted.
    raise ThriftError


def _list(raw: bytes, at: int, depth: int) -> tuple[tuple[int, list[Any]], int]:
    """The type of a list's elements and the elements."""
    head = raw[at]
    at += 1
    kind, count = head & 15, head >> 4
    if count == 15:
        count, at = _varint(raw, at)
    if not depth or count > len(raw):
        raise ThriftError
    elements = []
    for _ in range(count):
        if kind in (_TRUE, _FALSE):
            value, at = raw[at] == _TRUE, at + 1
        else:
            value, at = _value(raw, at, kind, depth - 1)
        elements.append(value)
    return (kind, elements), at


def _within(raw: bytes, at: int) -> int:
    if at > len(raw):
        raise IndexError
    return at


def _integer(raw: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(raw, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ThriftError
