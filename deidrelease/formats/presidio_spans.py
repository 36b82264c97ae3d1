"""The span JSON of presidio's evaluation data: an array of texts with the spans of their entities.

    [{"full_text": …, "masked": …, "spans": [{"entity_type": …, "entity_value": …, "start_position": …,
      "end_position": …}], "template_id": …, "metadata": …}]

`template_id` and `metadata` go into the note's meta; `masked` says nothing that text and spans do not, and is left.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidrelease.errors import Problem
from deidrelease.formats.drafts import Draft, DraftSpan, decode
from deidrelease.formats.json_arrays import Element, elements
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.text_lines import first_bytes, unreadable

_FIELDS = {"full_text", "masked", "spans", "template_id", "metadata"}
_SPAN = {"entity_type": str, "entity_value": str, "start_position": int, "end_position": int}
_SNIFF = 1 << 16
_FIRST = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[\s*\{.*"full_text"\s*:', re.DOTALL)
_REMEDY = "write each object as the format reference shows (docs/reference/formats.md)"
_MOST_PROBLEMS = 100
_MARK = b"\xef\xbb\xbf"


def recognises(path: Path) -> bool:
    """A `.json` file with an array whose first object has a `full_text`."""
    if path.suffix != ".json" or not path.is_file():
        return False
    return _FIRST.match(first_bytes(path, _SNIFF)) is not None


def read(path: Path, options: ReadOptions) -> Sequence["PresidioShard"]:
    """One shard: the file."""
    return [PresidioShard(path, options.mend)]


@dataclass(frozen=True, slots=True)
class PresidioShard:
    """The objects of a file; their ids are their places in the array, from 0."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every object as a note, and a problem for each defect of one that cannot be a note."""
        try:
            with self.path.open("rb") as stream:
                marked = stream.read(len(_MARK)) == _MARK
            if marked and not self.mend:
                yield _marked(self.path, "save it as UTF-8 without a mark")
            for element in elements(self.path):
                if isinstance(element, Problem):
                    yield element
                    continue
                fixes = (_marked(self.path, "dropped it"),) if marked and self.mend and not element.index else ()
                yield _parse(element, self.mend, fixes)
        except OSError as error:
            yield unreadable(self.path, error)


def _marked(path: Path, remedy: str) -> Problem:
    return Problem(f"{path}:1", "begins with a byte order mark", remedy, "byte-order-mark")


def _parse(element: Element, mend: bool, fixes: tuple[Problem, ...]) -> Draft | Problem:
    decoded = decode(element.raw, element.where, mend)
    if isinstance(decoded, Problem):
        return decoded
    try:
        record = json.loads(decoded.text)
        # An escape is the only way for half a surrogate pair into UTF-8.
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        what = "holds half a surrogate pair, which UTF-8 cannot carry"
        return Problem(element.where, what, "save it anew from its source", "surrogate")
    except json.JSONDecodeError as error:
        path, _, line = element.where.rpartition(":")
        where = f"{path}:{int(line) + error.lineno - 1}"
        return Problem(where, f"is not JSON at column {error.colno}: {error.msg}", _REMEDY, "syntax")
    except RecursionError:
        return Problem(element.where, "is nested too deeply", _REMEDY, "syntax")
    except ValueError:
        return Problem(element.where, "holds a number of thousands of digits", _REMEDY, "syntax")
    return _draft(record, element, (*fixes, *decoded.fixes))


def _draft(record: dict[str, Any], element: Element, fixes: tuple[Problem, ...]) -> Draft:
    text, spans = record.get("full_text"), record.get("spans")
    problems = []
    if not isinstance(text, str):
        problems.append(Problem(element.where, "full_text is missing or not a string", _REMEDY, "field"))
    if not isinstance(spans, list):
        problems.append(Problem(element.where, "spans is missing or not a list", _REMEDY, "field"))
    listed = spans if isinstance(spans, list) else []
    for number, span in enumerate(listed):
        if not _is_span(span) and len(problems) < _MOST_PROBLEMS:
            what = f"span {number} is no object of {', '.join(_SPAN)}, or one of them is of the wrong type"
            problems.append(Problem(element.where, what, _REMEDY, "field"))
    return Draft(
        where=element.where,
        note_id=str(element.index),
        text=text if isinstance(text, str) else "",
        spans=tuple(_span(span, element.where) for span in listed if _is_span(span)) if isinstance(text, str) else (),
        meta={name: record[name] for name in ("template_id", "metadata") if record.get(name) is not None},
        extras={name: value for name, value in record.items() if name not in _FIELDS},
        fixes=fixes,
        problems=tuple(problems),
    )


def _is_span(span: object) -> bool:
    return isinstance(span, dict) and set(span) == set(_SPAN) and all(type(span[k]) is t for k, t in _SPAN.items())


def _span(span: dict[str, Any], where: str) -> DraftSpan:
    return DraftSpan(where, span["start_position"], span["end_position"], span["entity_type"], span["entity_value"])
