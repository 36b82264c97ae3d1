"""Values out of Arrow columns, one row at a time.

A batch of a few bytes can stand for terabytes, because a dictionary's one long value may be named by every row. So a
value is taken out only for its own row, its size looked at before, and columns that no one needs are never read.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deidrelease.errors import Problem
from deidrelease.formats.columns import Layout, is_list, is_spans, is_text, plain
from deidrelease.formats.drafts import NOTE_BYTES, too_large

if TYPE_CHECKING:
    import pyarrow as pa

LIST_VALUES = NOTE_BYTES // 64
"""The most spans, or tokens, of one note: about as many as fit into the largest line of JSONL."""
TEXT_A_BYTE = 1000
"""The most text for each byte on disk, beyond `FREE_TEXT`: hundreds of times what text can be packed by."""
FREE_TEXT = 256 * 1024 * 1024
Cell = Callable[[int], Any]


class _TooLargeError(ValueError):
    pass


def rows(
    batch: "pa.RecordBatch", found: Layout, first: int, file: str
) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    """Yields number and values of every row, counted from `first`; a problem for one that holds too much."""
    cells = {name: _cell(batch.column(name)) for name in found.columns}
    unread = dict.fromkeys(found.unread)
    for index in range(batch.num_rows):
        try:
            yield first + index, {name: cell(index) for name, cell in cells.items()} | unread
        except _TooLargeError:
            yield first + index, too_large(row_place(file, first + index))


def row_place(file: str, number: int) -> str:
    """A row as messages name it."""
    return f"{file}: row {number}"


def library_errors() -> Any:
    """What pyarrow raises for a damaged file, apart from `OSError`; names and sizes may be damaged, too."""
    import pyarrow as pa

    return (pa.ArrowException, UnicodeDecodeError, MemoryError, OverflowError)


def validated(batch: "pa.RecordBatch", found: Layout) -> "pa.RecordBatch":
    """The columns of `batch` that are read, once nothing in them points outside of them.

    Raises:
        pyarrow.ArrowException: Something does.
    """
    taken = batch.select(list(found.columns))
    taken.validate()
    for array in taken.columns:
        _as_bytes(_stored(array)).validate(full=True)
    return taken


def _as_bytes(array: "pa.Array") -> "pa.Array":
    """Strings as bytes, in place: taking a string that is not UTF-8 would fail."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(array, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(array.indices, _as_bytes(_stored(array.dictionary)))
    for fits, kind in (
        (t.is_string, pa.binary()),
        (t.is_large_string, pa.large_binary()),
        (t.is_string_view, pa.binary_view()),
    ):
        if fits(array.type):
            return array.view(kind)
    return array


def text_allowed(on_disk: int) -> int:
    """How much text may come out of so many bytes; more is no corpus of notes, but one value named a million times."""
    return max(FREE_TEXT, TEXT_A_BYTE * on_disk)


def _cell(array: "pa.Array") -> Cell:
    """What takes a value out of a column by its row."""
    import pyarrow.types as t

    array = _stored(array)
    kind = array.type
    if is_text(plain(kind)):
        return _text_cell(array)
    if is_list(kind) and not t.is_struct(kind.value_type):
        return _list_cell(array)
    if is_spans(kind):
        return _spans_cell(array)
    return _bounded_cell(array)


def _stored(array: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _text_cell(array: "pa.Array") -> Cell:
    """Strings; bytes where they are not UTF-8."""
    import pyarrow as pa

    if not isinstance(array, pa.DictionaryArray):
        raw = _as_bytes(array)
        return lambda index: _text_of(raw[index])
    raw, places = _as_bytes(_stored(array.dictionary)), _numbers(array.indices)
    return lambda index: None if places[index] is None else _text_of(raw[places[index]])


def _numbers(array: "pa.Array") -> list[Any]:
    """Integers as they are in Python; by way of numpy, which is ten times as fast, where none is missing."""
    found: list[Any] = array.to_pylist() if array.null_count else array.to_numpy(zero_copy_only=False).tolist()
    return found


def _text_of(scalar: "pa.Scalar") -> str | bytes | None:
    buffer = scalar.as_buffer()
    if buffer is None:
        return None
    if buffer.size > NOTE_BYTES:
        raise _TooLargeError
    raw: bytes = buffer.to_pybytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _list_cell(array: "pa.Array") -> Cell:
    return lambda index: _taken(array[index].values)


def _taken(values: "pa.Array | None") -> list[Any] | None:
    """The values of one row's list; of a dictionary's strings, equal ones are one object."""
    import pyarrow as pa
    import pyarrow.types as t

    if values is None:
        return None
    if len(values) > LIST_VALUES:
        raise _TooLargeError
    values = _stored(values)
    if t.is_integer(values.type):
        return _numbers(values)
    if not is_text(plain(values.type)):
        return [value.as_py() for value in values]
    if not isinstance(values, pa.DictionaryArray):
        return [_text_of(value) for value in _as_bytes(values)]
    raw, places = _as_bytes(_stored(values.dictionary)), _numbers(values.indices)
    texts = {place: None if place is None else _text_of(raw[place]) for place in set(places)}
    return [texts[place] for place in places]


def _spans_cell(array: "pa.Array") -> Cell:
    import pyarrow.types as t

    if t.is_struct(array.type):
        lists = {name: array.field(name) for name in ("start", "end", "label")}

        def cell(index: int) -> Any:
            if not array[index].is_valid:
                return None
            return _together({name: _taken(column[index].values) for name, column in lists.items()})

        return cell
    return lambda index: _structs(array[index].values)


def _structs(values: "pa.Array | None") -> list[Any] | None:
    if values is None:
        return None
    spans: list[Any] = _together({name: _taken(values.field(name)) for name in ("start", "end", "label")})
    if values.null_count:
        return [span if values[index].is_valid else None for index, span in enumerate(spans)]
    return spans


def _together(columns: Mapping[str, list[Any] | None]) -> Any:
    starts, ends, labels = columns["start"], columns["end"], columns["label"]
    if starts is None or ends is None or labels is None or not len(starts) == len(ends) == len(labels):
        # No list: the row's reader refuses it.
        return columns
    return [
        {"start": start, "end": end, "label": label} for start, end, label in zip(starts, ends, labels, strict=True)
    ]


def _bounded_cell(array: "pa.Array") -> Cell:
    def cell(index: int) -> Any:
        if array.slice(index, 1).nbytes > NOTE_BYTES:
            raise _TooLargeError
        try:
            return array[index].as_py()
        except UnicodeDecodeError:
            return _NOT_TEXT

    return cell


_NOT_TEXT = object()
