"""The messages of an Arrow stream: how the files of a Hugging Face folder are looked at before they are mapped.

Such a file is read where it lies on disk, so that it takes no memory, as long as nothing in it is packed. What is
packed is unpacked to whatever size it claims, so it is refused; `datasets` never packs. The format of a message:
https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

_METADATA_BYTES = 16 * 1024 * 1024
_CONTINUED = b"\xff\xff\xff\xff"
_MOST_MESSAGES = 1 << 24
# Fields of the tables Message, DictionaryBatch and RecordBatch, and kinds of a header, as in Arrow's Message.fbs.
_HEADER_KIND, _HEADER, _BODY = 1, 2, 3
_DICTIONARY, _RECORDS = 2, 3
_DATA, _COMPRESSION = 1, 3


class MessageError(ValueError):
    """The file is no Arrow stream, or ends inside a message."""


class PackedError(ValueError):
    """A message is packed."""


def look_at(path: Path) -> None:
    """Walks over all messages of a file.

    Raises:
        MessageError: It is no Arrow stream, or ends inside a message.
        PackedError: A message is packed.
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        for _ in range(_MOST_MESSAGES):
            if (metadata := _metadata(stream)) is None:
                return
            try:
                body = _body_bytes(metadata)
            except (struct.error, IndexError):
                raise MessageError from None
            if body < 0 or stream.tell() + body > size:
                raise MessageError
            stream.seek(body, os.SEEK_CUR)
    raise MessageError


def _metadata(stream: BinaryIO) -> bytes | None:
    """The next message's metadata; None behind the last."""
    head = stream.read(4)
    if head == _CONTINUED:
        head = stream.read(4)
    # A file may end with a length of nought, or without.
    if not head or head == bytes(4):
        return None
    length = int.from_bytes(head, "little")
    metadata = stream.read(min(length, _METADATA_BYTES + 1))
    if len(head) < 4 or length > _METADATA_BYTES or len(metadata) < length:
        raise MessageError
    return metadata


def _body_bytes(metadata: bytes) -> int:
    """The size of the body behind a message's metadata, a Flatbuffers table, after looking whether it is packed."""
    message = _follow(metadata, 0)
    kind_at, header_at, body_at = (_field(metadata, message, field) for field in (_HEADER_KIND, _HEADER, _BODY))
    kind = metadata[kind_at] if kind_at else 0
    if header_at and kind in (_DICTIONARY, _RECORDS):
        batch = _follow(metadata, header_at)
        if kind == _DICTIONARY:
            data_at = _field(metadata, batch, _DATA)
            batch = _follow(metadata, data_at) if data_at else 0
        if batch and _field(metadata, batch, _COMPRESSION):
            raise PackedError
    return int(struct.unpack_from("<q", metadata, body_at)[0]) if body_at else 0


def _follow(raw: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", raw, at)[0])


def _field(raw: bytes, table: int, number: int) -> int:
    """Where the field of a table lies; 0 where it is absent."""
    entries = table - int(struct.unpack_from("<i", raw, table)[0])
    if entries < 0:
        raise MessageError
    place = 4 + 2 * number
    if place + 2 > struct.unpack_from("<H", raw, entries)[0]:
        return 0
    offset = int(struct.unpack_from("<H", raw, entries + place)[0])
    return table + offset if offset else 0
