"""The lines of a CoNLL file: tokens with labels, comments, blank lines, and what is none of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import Problem
from deidrelease.formats.schemes import OUTSIDE, split
from deidrelease.formats.text_lines import TextLine, text_lines

DOCUMENT = "-DOCSTART-"
_COMMENT = re.compile(r"#\s*([\w.]+(?: \w+)?)\s*(?:=\s?(.*))?", re.DOTALL)
_OURS = re.compile(r"# ?(?:note_id|patient_id|meta|text|newdoc id|sent_id) ?=")
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, split at its first `=`; of others the key is empty."""

    key: str
    value: str

    def decoded(self) -> object:
        """The value as JSON, or as it stands where it is none."""
        try:
            return json.loads(self.value)
        except (ValueError, RecursionError):
            return self.value


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and what it says: nothing where it ends a sentence."""

    source: TextLine
    content: Token | Comment | Problem | None

    @property
    def blank(self) -> bool:
        """Whether it ends a sentence."""
        return self.content is None

    @property
    def marks_document(self) -> bool:
        """Whether a document begins with it."""
        if isinstance(self.content, Comment):
            return self.content.key in ("note_id", "newdoc id", "newdoc")
        return isinstance(self.content, Token) and self.content.text == DOCUMENT


def lines_of(path: Path, mend: bool) -> Iterator[Line]:
    """The lines of a file, one at a time.

    Raises:
        OSError: The file cannot be read.
    """
    for line in text_lines(path, mend):
        yield Line(line, _content(line.text, line.where))


def _content(line: str, where: str) -> Token | Comment | Problem | None:
    if not line.strip(" \t"):
        return None
    fields = line.split("\t") if "\t" in line else [part for part in line.split(" ") if part]
    if fields[0] == DOCUMENT:
        return Token(DOCUMENT, "O")
    if line.startswith("#") and _is_comment(line, fields):
        match = _COMMENT.fullmatch(line)
        return Comment(match[1], (match[2] or "")) if match else Comment("", "")
    if len(fields) < _FEWEST:
        return Problem(where, "has one column only", "write a token, a tab and its label: a label, or O", "syntax")
    token, label = fields[0].strip(" "), fields[-1].strip(" ")
    if not token or not label:
        return Problem(where, "its token or its label is empty", "write a token, a tab and its label", "syntax")
    return Token(token, label)


def _is_comment(line: str, fields: list[str]) -> bool:
    # "#" is a token too: then the line has a tab, or a label at its end.
    if _OURS.match(line):
        return True
    return "\t" not in line and fields[-1] not in OUTSIDE and not split(fields[-1])[0]
