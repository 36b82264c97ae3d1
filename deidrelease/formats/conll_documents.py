"""From the lines of a CoNLL document to a draft: its text, and where its tokens stand in it."""

import json
from array import array
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from deidrelease.errors import Problem
from deidrelease.formats import drafts
from deidrelease.formats.conll_lines import Comment, Line, Token
from deidrelease.formats.drafts import Draft, DraftSpan, too_large
from deidrelease.formats.schemes import Chunker, Scheme

_MOST_PROBLEMS = 100


class _Text:
    """A text that is either given, or made of the tokens; `place` says where a token stands in it."""

    def __init__(self) -> None:
        self.given: str | None = None
        self.quoted = False
        self.out = StringIO()
        self.base = 0
        self.at = 0
        self.fresh = True

    def begin(self, given: str | None, quoted: bool) -> None:
        """Begins a section with a text of its own, on a line of its own."""
        self.close()
        if self.base:
            self.base += self.out.write("\n")
        self.given, self.quoted, self.at, self.fresh = given, quoted, 0, True

    def close(self) -> None:
        if self.given is not None:
            self.base += self.out.write(self.given)
        self.given = None

    def place(self, token: str) -> tuple[int, int] | None:
        """Where the next token stands; None where it is not what comes next in the given text."""
        if self.given is None:
            gap = "" if not self.base else "\n" if self.fresh else " "
            start = self.base + self.out.write(gap)
            self.base = start + self.out.write(token)
            self.fresh = False
            return start, self.base
        token = _unquoted(token) if self.quoted else token
        start = self.at
        if not self.given.startswith(token, start):
            # Only white space may stand between tokens: anything else would be text without a label.
            while start < len(self.given) and self.given[start].isspace():
                start += 1
            if not self.given.startswith(token, start):
                return None
        self.at = start + len(token)
        return self.base + start, self.base + self.at

    def rest(self) -> bool:
        """Whether a given text goes on behind its last token."""
        return self.given is not None and bool(self.given[self.at :].strip())


def _unquoted(token: str) -> str:
    if len(token) > 1 and token[0] == token[-1] == '"':
        try:
            value = json.loads(token)
        except ValueError:
            return token
        if isinstance(value, str) and value:
            return value
    return token


class Builder:
    """Takes lines and makes of them one draft after the other."""

    def __init__(self, path: Path, scheme: Scheme, mend: bool) -> None:
        self.path, self.scheme, self.mend = path, scheme, mend
        self._reset()

    def _reset(self) -> None:
        self.first = self.last = 0
        self.size = 0
        self.text = _Text()
        self.chunker = Chunker(self.scheme)
        # Numbers side by side: a large document has millions of tokens.
        self.starts, self.ends, self.lines = array("q"), array("q"), array("q")
        self.note_id = ""
        self.patient_id: str | None = None
        self.meta: Mapping[str, object] = {}
        self.problems: list[Problem] = []
        self.fixes: list[Problem] = []

    def add(self, line: Line) -> None:
        """Takes the next line of the document."""
        source, content = line.source, line.content
        if line.blank and not source.defects:
            if self.first:
                self._end_sentence(source.number)
            return
        self.first = self.first or source.number
        self.last = source.number
        self.fixes += source.fixes
        self.size += source.size
        if self.size > drafts.NOTE_BYTES:
            return
        for defect in source.defects:
            self._report(defect)
        if isinstance(content, Problem):
            self._report(content)
        elif isinstance(content, Comment):
            self._comment(content, source.number)
        elif isinstance(content, Token) and not line.marks_document:
            self._token(content, source.number)

    def finish(self) -> Iterator[Draft | Problem]:
        """Yields the draft of the lines so far, if they are one, and begins the next."""
        if not self.first:
            return
        where = f"{self.path}:{self.first}"
        if self.size > drafts.NOTE_BYTES:
            yield too_large(where)
        elif self.lines or self.note_id or self.problems or self.text.given is not None:
            self._end_sentence(self.last)
            self._end_section(self.last)
            yield self._draft(where)
        self._reset()

    def _draft(self, where: str) -> Draft:
        return Draft(
            where=where,
            note_id=self.note_id or f"{self.path.stem}-{self.first}",
            text=self.text.out.getvalue(),
            spans=tuple(self._span(chunk.first, chunk.last, chunk.label) for chunk in self.chunker.chunks),
            patient_id=self.patient_id,
            meta=self.meta,
            fixes=tuple(self.fixes),
            problems=tuple(self.problems),
        )

    def _span(self, first: int, last: int, label: str) -> DraftSpan:
        return DraftSpan(f"{self.path}:{self.lines[first]}", self.starts[first], self.ends[last], label)

    def _token(self, token: Token, number: int) -> None:
        place = self.text.place(token.text)
        if place is None:
            what = "its token is not what comes next in the text of the note"
            self._report(Problem(f"{self.path}:{number}", what, "correct # text, or the tokens", "text-mismatch"))
            place = (0, 0)
        for what in self.chunker.add(len(self.lines), token.label):
            self._mislabelled(what, number)
        self.starts.append(place[0])
        self.ends.append(place[1])
        self.lines.append(number)

    def _mislabelled(self, what: str, number: int) -> None:
        where = f"{self.path}:{number}"
        # What a label begins or ends is plain from its neighbours; what it means without a prefix is not.
        if self.mend and "not of the scheme" not in what:
            self.fixes.append(Problem(where, what, "took each run of one label as a span", "label"))
        else:
            self._report(Problem(where, what, "correct the label", "label"))

    def _end_sentence(self, number: int) -> None:
        for what in self.chunker.end():
            self._mislabelled(what, number)
        self.text.fresh = True

    def _end_section(self, number: int) -> None:
        if self.text.rest():
            what = "the text of the note goes on behind its last token"
            self._report(Problem(f"{self.path}:{number}", what, "correct # text, or the tokens", "text-mismatch"))
        self.text.close()

    def _comment(self, comment: Comment, number: int) -> None:
        value = comment.decoded()
        name = value if isinstance(value, str) else comment.value
        if comment.key in ("note_id", "newdoc id"):
            self.note_id = name
        elif comment.key == "patient_id":
            self.patient_id = name or None
        elif comment.key == "meta" and isinstance(value, dict):
            self.meta = value
        elif comment.key == "meta":
            where = f"{self.path}:{number}"
            self._report(Problem(where, "# meta is no JSON object", "write an object on one line", "field"))
        elif comment.key == "text":
            self._end_section(number)
            self.text.begin(name, isinstance(value, str) and value != comment.value)

    def _report(self, problem: Problem) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)
