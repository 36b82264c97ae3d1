"""The pages of a Parquet file: what they unpack to is known here before anything is unpacked.

A reader of Parquet makes room for as much as the header of a page asks for, and a run-length code of a few bytes can
stand for a billion values. The sums in the file's footer need not be true. So the page headers themselves are walked,
which costs no unpacking, and a group of rows is refused when a page, or a note's worth of pages, asks for too much.

What a page is: https://parquet.apache.org/docs/file-format/data-pages.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from deidrelease.formats.thrift import I32, STRUCT, Struct, ThriftError, read_struct

PAGE_BYTES = 128 * 1024 * 1024
"""The most that one page, or the values of all nested pages of a column in a group of rows, may unpack to."""
ALL_BYTES = 2 * PAGE_BYTES
"""The most that the largest pages of all columns that are read may unpack to, together."""
NESTED_VALUES = 1 << 24
"""The most values (spans, tokens) of a nested column in one group of rows, and the most entries of a dictionary."""
BATCH_ROWS = 1024
DELTAS = (6, 7)
"""Encodings of strings that the library cannot keep as dictionaries: DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY."""
_HEADER_BYTES = 16 * 1024 * 1024
_DICTIONARY, _DATA_2 = 2, 3
# The field that holds what is special to data pages, dictionaries and data pages of version 2.
_SPECIAL = {0: 5, _DICTIONARY: 7, _DATA_2: 8}


class PageError(ValueError):
    """The pages of a column are not as the format says."""


class BombError(ValueError):
    """The pages of a column unpack to more than is ever needed."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its values (a dictionary's entries, too), its encoding, and the bytes it unpacks to."""

    values: int
    size: int
    encoding: int
    is_dictionary: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where the pages of one column lie in a group of rows.

    Attributes:
        column: Its path in the schema.
        start: The first byte.
        length: Bytes of all pages, headers included.
        nested: Whether a row may have many values.
    """

    column: str
    start: int
    length: int
    nested: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How a group of rows can be read in little memory.

    Attributes:
        rows: At once.
        spelt_out: Columns that the library cannot keep as dictionaries.
    """

    rows: int
    spelt_out: frozenset[str]


def plan(stream: BinaryIO, chunks: Sequence[Chunk]) -> Plan:
    """How many rows of these columns can be read at once so that at most two pages a column are unpacked.

    Raises:
        PageError: A header cannot be understood, or leads outside the file.
        BombError: A page is larger than `PAGE_BYTES`, a nested column too large, or all columns together.
    """
    found = {chunk: list(pages(stream, chunk)) for chunk in chunks}
    if sum(max((page.size for page in column), default=0) for column in found.values()) > ALL_BYTES:
        raise BombError
    rows = [_rows_at_once(column, chunk.nested) for chunk, column in found.items()]
    return Plan(
        min([BATCH_ROWS, *rows]), frozenset(chunk.column for chunk, column in found.items() if _is_spelt_out(column))
    )


def pages(stream: BinaryIO, chunk: Chunk) -> Iterator[Page]:
    """The pages of a column, by their headers alone.

    Raises:
        PageError: A header cannot be understood, or leads outside the column or the file.
        BombError: A page is larger than `PAGE_BYTES`, or a dictionary longer than `NESTED_VALUES`.
    """
    place, end = chunk.start, chunk.start + chunk.length
    if place < 0 or chunk.length < 0 or end > stream.seek(0, os.SEEK_END):
        raise PageError
    while place < end:
        stream.seek(place)
        header, length = _header(stream, end - place)
        page, packed = _page(header)
        place += length + packed
        if page.size > PAGE_BYTES or (page.is_dictionary and page.values > NESTED_VALUES):
            raise BombError
        if place > end:
            raise PageError
        yield page


def _rows_at_once(found: list[Page], nested: bool) -> int:
    data = [page for page in found if not page.is_dictionary]
    largest = max((page.size for page in found), default=0)
    if nested:
        # How the values fall to rows is not in the headers: one note may have them all.
        if sum(page.values for page in data) > NESTED_VALUES or sum(page.size for page in found) > PAGE_BYTES:
            raise BombError
        if _is_spelt_out(found):
            raise BombError
        return BATCH_ROWS
    if _is_spelt_out(found):
        # Values may share their beginnings, so that each is as long as its page, or the dictionary.
        return max(1, min(BATCH_ROWS, PAGE_BYTES // 4 // max(largest, 1)))
    # No batch reaches over more than two pages when none but the last page has fewer rows than it.
    return max(1, min([BATCH_ROWS, *(page.values for page in data[:-1])]))


def _is_spelt_out(found: list[Page]) -> bool:
    return any(page.encoding in DELTAS and not page.is_dictionary for page in found)


def _header(stream: BinaryIO, room: int) -> tuple[Struct, int]:
    """The next header and its length; statistics may make it long, so more is read only where it does not suffice."""
    window, here = 1 << 12, stream.tell()
    while True:
        stream.seek(here)
        raw = stream.read(min(window, room))
        try:
            struct, length = read_struct(raw)
        except ThriftError:
            raise PageError from None
        except IndexError:
            if window >= min(room, _HEADER_BYTES):
                raise PageError from None
            window *= 16
        else:
            return struct, length


def _page(header: Struct) -> tuple[Page, int]:
    """A page, and the bytes that it takes in the file."""
    kind, size, packed = (header.get(number, I32) for number in (1, 2, 3))
    if kind is None or size is None or packed is None or size < 0 or packed < 0:
        raise PageError
    special = header.get(_SPECIAL.get(kind, 0), STRUCT, Struct())
    values, encoding = special.get(1, I32, 0), special.get(4 if kind == _DATA_2 else 2, I32, 0)
    if values < 0:
        raise PageError
    return Page(values, size, encoding, kind == _DICTIONARY), packed
