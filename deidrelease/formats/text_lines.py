"""The lines of a text file, one at a time, for formats that stand on lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import drafts
from deidrelease.formats.drafts import Decoded, decode, too_large

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a file.

    Attributes:
        where: `path:line`.
        number: From 1.
        size: In bytes.
        text: Without its line end; where bytes are wrong, with replacement characters, so that what the line is can
            still be told.
        defects: What is wrong with its bytes.
        fixes: What had to be mended in them.
    """

    where: str
    number: int
    size: int
    text: str
    defects: tuple[Problem, ...] = ()
    fixes: tuple[Problem, ...] = ()


def text_lines(path: Path, mend: bool) -> Iterator[TextLine]:
    """The lines of the file at `path`, each of at most `drafts.NOTE_BYTES` bytes; of a longer one, its beginning.

    Raises:
        OSError: The file cannot be read.
    """
    most = drafts.NOTE_BYTES
    with path.open("rb") as stream:
        number = 0
        while raw := stream.readline(most + 1):
            number += 1
            where = f"{path}:{number}"
            if (size := len(raw)) <= most:
                yield _decoded(raw, where, number, mend)
                continue
            yield TextLine(where, number, size, "", (too_large(where),))
            while not raw.endswith(b"\n") and (raw := stream.readline(1 << 20)):
                pass


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, by which its format is told.

    Raises:
        CorpusError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise CorpusError("The corpus cannot be opened.", [unreadable(path, error)]) from None


def unreadable(path: Path, error: OSError) -> Problem:
    """The problem of a file that cannot be read."""
    return Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")


def _decoded(raw: bytes, where: str, number: int, mend: bool) -> TextLine:
    decoded = _decode(raw, where, number == 1, mend)
    if isinstance(decoded, Problem):
        text = raw.decode("utf-8", "replace").removeprefix(_MARK)
        return TextLine(where, number, len(raw), _ended(text), (decoded,))
    return TextLine(where, number, len(raw), _ended(decoded.text), (), decoded.fixes)


def _decode(raw: bytes, where: str, first: bool, mend: bool) -> Decoded | Problem:
    try:
        return decode(raw, where, mend) if first else Decoded(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return decode(raw, where, mend)


def _ended(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")
