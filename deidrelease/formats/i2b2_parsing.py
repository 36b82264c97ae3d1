"""The syntax of an i2b2 file: from bytes to text and tags, with nothing of XML that could do harm.

A document type is refused before the parser sees the file, so no entity is ever declared, fetched or expanded.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from deidrelease.errors import Problem
from deidrelease.formats.drafts import Decoded, decode

# XML says itself how it is encoded; these have one meaning everywhere.
_ENCODINGS = {"us-ascii": "ascii", "iso-8859-1": "latin-1", "iso-8859-15": "iso8859-15", "windows-1252": "cp1252"}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Atomic: what has matched is never tried in another way, so that no file takes more than one pass.
_DOCTYPE = re.compile(r"(?>(?:\s+|<!--.*?-->|<\?.*?\?>)*+)<!DOCTYPE", re.DOTALL)
_REMEDY = "write the file as the format reference shows (docs/reference/formats.md)"
_TAG_DEPTH = 2
_DEEPEST = 64
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Tag:
    """An element of TAGS with its place."""

    where: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Parsed:
    """What stands in a file.

    Attributes:
        text: Of TEXT, line ends as XML gives them.
        tags: In their order.
        own: Of the processing instruction `deidrelease`, checked: `note_id`, `patient_id`, `meta`.
        problems: That leave the rest readable.
        fixes: What had to be mended to decode the file.
    """

    text: str = ""
    tags: list[Tag] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    fixes: tuple[Problem, ...] = ()


def parse(raw: bytes, where: str, mend: bool) -> Parsed | Problem:
    """The text and the tags of a file."""
    decoded = _decode(raw, where, mend)
    if isinstance(decoded, Problem):
        return decoded
    if match := _DOCTYPE.match(decoded.text):
        what = "declares a document type, which can declare entities"
        line = decoded.text.count("\n", 0, match.end()) + 1
        return Problem(f"{where}:{line}", what, "remove <!DOCTYPE …>; the notes do not need it", "forbidden-xml")
    reader = _Reader(where)
    try:
        reader.feed(decoded.text.encode("utf-8"))
    except _NestingError:
        return Problem(reader.here(), "is nested too deeply", _REMEDY, "syntax")
    except expat.ExpatError as error:
        what = f"is no well-formed XML: {expat.ErrorString(error.code)} at column {error.offset}"
        return Problem(f"{where}:{error.lineno}", what, "correct the line", "syntax")
    except UnicodeEncodeError:
        return Problem(where, "holds half a surrogate pair", "save it anew from its source", "surrogate")
    parsed = reader.finish()
    parsed.fixes = decoded.fixes
    return parsed


def _decode(raw: bytes, where: str, mend: bool) -> Decoded | Problem:
    if raw.startswith(_UTF16_MARKS):
        return _decoded_as("utf-16", raw, where)
    # In front of XML a mark is part of the encoding, not of the text.
    raw = raw.removeprefix(_UTF8_MARK)
    match = _DECLARED.match(raw)
    name = match[1].decode("ascii").lower() if match else "utf-8"
    if name in _ENCODINGS:
        return _decoded_as(_ENCODINGS[name], raw, where)
    if name not in ("utf-8", "utf8"):
        return Problem(f"{where}:1", "declares an encoding that is not known", "save it as UTF-8", "encoding")
    return decode(raw, where, mend)


def _decoded_as(codec: str, raw: bytes, where: str) -> Decoded | Problem:
    try:
        return Decoded(raw.decode(codec))
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not in the encoding that the file declares"
        return Problem(where, what, "save the file as UTF-8", "encoding")


class _NestingError(Exception):
    """Elements are nested as no note's are."""


class _Reader:
    """Collects text and tags while expat goes through a file."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.parsed = Parsed()
        self.path: list[str] = []
        self.pieces: list[str] = []
        self.seen: list[str] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.ProcessingInstructionHandler = self.instruction

    def feed(self, raw: bytes) -> None:
        # In pieces, because expat reads a piece to its end before it lets an exception out.
        for start in range(0, len(raw), _PIECE):
            self.parser.Parse(raw[start : start + _PIECE], False)
        self.parser.Parse(b"", True)

    def here(self) -> str:
        return f"{self.where}:{self.parser.CurrentLineNumber}"

    def refuse(self, what: str, kind: str = "syntax") -> None:
        # One of a kind is enough: a file of another sort has thousands.
        if not any(problem.what == what for problem in self.parsed.problems):
            self.parsed.problems.append(Problem(self.here(), what, _REMEDY, kind))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self.path)
        if depth > _DEEPEST:
            raise _NestingError
        self.path.append(name)
        if depth == 1:
            if name not in ("TEXT", "TAGS"):
                self.refuse("has an element beside TEXT and TAGS", "unsupported")
            elif name in self.seen:
                self.refuse(f"has a second {name}")
            self.seen.append(name)
        elif depth == _TAG_DEPTH and self.path[1] == "TAGS":
            self.parsed.tags.append(Tag(self.here(), attributes))
        elif depth >= _TAG_DEPTH:
            self.refuse("has elements inside TEXT or inside a tag", "unsupported")

    def end(self, name: str) -> None:  # noqa: ARG002  (expat's signature)
        self.path.pop()

    def characters(self, data: str) -> None:
        if len(self.path) > 1 and self.path[1] == "TEXT":
            self.pieces.append(data)
        elif data.strip():
            self.refuse("has text outside TEXT")

    def instruction(self, target: str, data: str) -> None:
        if target != "deidrelease":
            return
        try:
            own = json.loads(data)
        except (ValueError, RecursionError):
            own = None
        if not _is_own(own):
            self.refuse("has a processing instruction that is not as deidrelease writes it", "field")
        else:
            self.parsed.own = own

    def finish(self) -> Parsed:
        if "TEXT" not in self.seen:
            self.refuse("has no TEXT")
        if "TAGS" not in self.seen:
            remedy = "restore them; an empty TAGS means a note without PII"
            problem = Problem(self.where, "has no TAGS", remedy, "missing-annotations")
            self.parsed.problems.append(problem)
        self.parsed.text = "".join(self.pieces)
        return self.parsed


def _is_own(own: object) -> bool:
    if not isinstance(own, dict) or set(own) != {"note_id", "patient_id", "meta"}:
        return False
    ids = [own["note_id"], own["patient_id"]]
    if not all(isinstance(one, str) and one for one in ids) or not isinstance(own["meta"], dict):
        return False
    try:
        json.dumps(own, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
