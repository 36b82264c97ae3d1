"""A row of a table, by the names of its columns, to the draft of a note; the same for every format that is a table.

The columns are those of the canonical JSONL: `note_id`, `patient_id`, `text`, `spans`, `meta`. Where `tokens` and
`ner_tags` stand instead of a text and its spans, as in most public corpora, the tokens are joined by one space each and
the tags read as IOB2.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from deidrelease.errors import Problem
from deidrelease.formats.drafts import NOTE_BYTES, Decoded, Draft, DraftSpan, decode, too_large
from deidrelease.formats.schemes import Chunker, split

FIELDS = frozenset({"note_id", "patient_id", "text", "spans", "meta"})
TOKEN_FIELDS = frozenset({"note_id", "patient_id", "tokens", "ner_tags", "meta"})
PASSED_OVER = frozenset({"pos_tags", "chunk_tags"})
"""Columns that stand beside `ner_tags` in public corpora and say nothing of names."""
_REMEDY = "write each row as the format reference shows (docs/reference/formats.md)"
_ODD = "are not objects of integers start and end and a short string label"
_LABEL_LENGTH = 1000
_SPAN_FIELDS = {"start", "end", "label"}


@dataclass(frozen=True, slots=True)
class RowReader:
    """How rows of one file become drafts.

    Attributes:
        tags: The names of the numbers in `ner_tags`; None where they have none.
        mend: Whether repairs are allowed.
    """

    tags: tuple[str, ...] | None = None
    mend: bool = False

    def drafts(self, row: Mapping[str, Any], where: str, nameless: str) -> Iterator[Draft | Problem]:
        """Yields the draft of `row`, or a problem for each of its defects.

        Args:
            row: Values by column; text that is not UTF-8 as bytes.
            where: Its place, as messages name it.
            nameless: The note's id where the table has no column for one.
        """
        row = {("note_id" if name == "id" and "note_id" not in row else name): row[name] for name in row}
        known = TOKEN_FIELDS | PASSED_OVER if _has_tokens(row) else FIELDS
        items = list(self._parts(row, where))
        defects = [item for item in items if isinstance(item, Problem)]
        meta = _meta(row.get("meta"))
        defects += [Problem(where, what, _REMEDY, kind) for kind, what in _defects(row, meta)]
        if defects or not isinstance(items[0], _Text):
            yield from defects
            return
        yield Draft(
            where=where,
            note_id=str(row["note_id"]) if "note_id" in row else nameless,
            text=items[0].text,
            spans=items[0].spans,
            patient_id=None if row.get("patient_id") is None else str(row["patient_id"]),
            meta=meta or {},
            extras={name: value for name, value in row.items() if name not in known},
            fixes=items[0].fixes,
        )

    def _parts(self, row: Mapping[str, Any], where: str) -> "Iterator[_Text | Problem]":
        return self._tagged(row, where) if _has_tokens(row) else self._marked(row, where)

    def _marked(self, row: Mapping[str, Any], where: str) -> "Iterator[_Text | Problem]":
        text = row.get("text")
        decoded = decode(text, where, self.mend) if isinstance(text, bytes) else Decoded(text or "")
        if not isinstance(text, str | bytes):
            yield Problem(where, "text is missing or not a string", _REMEDY, "field")
        elif isinstance(decoded, Problem):
            yield decoded
        spans = _listed(row.get("spans"))
        if spans is None:
            yield Problem(where, "spans is not a list", _REMEDY, "field")
            return
        odd = [index for index, span in enumerate(spans) if not _is_span(span)]
        if odd:
            what = f"{len(odd)} span(s), the first of them span {odd[0]}, {_ODD}"
            yield Problem(where, what, _REMEDY, "field")
        if not odd and isinstance(decoded, Decoded) and isinstance(text, str | bytes):
            marks = tuple(DraftSpan(where, span["start"], span["end"], span["label"]) for span in spans)
            yield _Text(decoded.text, marks, decoded.fixes)

    def _tagged(self, row: Mapping[str, Any], where: str) -> "Iterator[_Text | Problem]":
        tokens, tags = _listed(row.get("tokens")), _listed(row.get("ner_tags"))
        if tokens is None or tags is None or len(tags) != len(tokens) or not all(isinstance(t, str) for t in tokens):
            yield Problem(
                where, "tokens and ner_tags are not lists of one length, of strings and tags", _REMEDY, "field"
            )
        elif sum(map(len, tokens)) + len(tokens) > NOTE_BYTES:
            yield too_large(where)
        else:
            named = [self._name(tag) for tag in tags]
            joined = _joined(tokens, named, where, self.mend)
            yield from [joined] if isinstance(joined, _Text) else joined

    def _name(self, tag: object) -> str | None:
        if isinstance(tag, str):
            return tag
        number = tag if type(tag) is int and self.tags is not None and 0 <= tag < len(self.tags) else None
        return None if number is None or self.tags is None else self.tags[number]


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    spans: tuple[DraftSpan, ...]
    fixes: tuple[Problem, ...]


def _has_tokens(row: Mapping[str, Any]) -> bool:
    return "tokens" in row and "text" not in row


def _joined(tokens: Sequence[str], tags: Sequence[str | None], where: str, mend: bool) -> "list[Problem] | _Text":
    """Tokens as a text and their tags as spans; what is wrong with the tags, where anything is."""
    chunker = Chunker("iob2")
    defects: list[Problem] = []
    fixes: list[Problem] = []
    for index, tag in enumerate(tags):
        for what in chunker.add(index, tag or ""):
            if mend and split(tag or "")[0] == "I":
                fixes.append(Problem(where, f"tag {index}: {what}", "began a span there", "label"))
            else:
                defects.append(Problem(where, f"tag {index}: {what}", "write IOB2 tags", "label"))
    if defects:
        return defects
    starts = list(accumulate((len(token) + 1 for token in tokens), initial=0))
    spans = (DraftSpan(where, starts[c.first], starts[c.last + 1] - 1, c.label) for c in chunker.chunks)
    return _Text(" ".join(tokens), tuple(spans), tuple(fixes))


def _defects(row: Mapping[str, Any], meta: Mapping[str, object] | None) -> Iterator[tuple[str, str]]:
    if "note_id" in row and not _is_id(row["note_id"]):
        yield "field", "note_id is missing, empty or neither a string nor an integer"
    if row.get("patient_id") is not None and not _is_id(row["patient_id"]):
        yield "field", "patient_id is empty or neither a string nor an integer"
    if meta is None:
        yield "field", "meta is not a JSON object"
    elif meta and _has_surrogate(meta):
        yield "surrogate", "meta holds an unpaired surrogate, which UTF-8 cannot carry"


def _is_id(value: object) -> bool:
    return type(value) is int or (isinstance(value, str) and bool(value))


def _is_span(span: object) -> bool:
    return (
        isinstance(span, dict)
        and span.keys() == _SPAN_FIELDS
        and type(span["start"]) is int
        and type(span["end"]) is int
        and isinstance(span["label"], str)
        and len(span["label"]) <= _LABEL_LENGTH
    )


def _listed(value: object) -> list[Any] | None:
    """A list, which may stand as JSON or be absent; None where it is something else."""
    if value is None or value == "":
        return []
    parsed = _parsed(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, list) else None


def _meta(value: object) -> Mapping[str, object] | None:
    """The object that `meta` is, or holds as JSON; None where it is none."""
    if value is None or value == "":
        return {}
    parsed = _parsed(value) if isinstance(value, str) else value
    if parsed is value and parsed and not _is_json(parsed):
        return None
    return parsed if isinstance(parsed, Mapping) else None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _has_surrogate(value: Mapping[str, object]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
