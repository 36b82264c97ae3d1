"""Which shape a document has to have before it is shown.

pydantic would say the same with more words and cost `verify` more than the page itself: it starts in a third of a
second. A defect is told by document and key, never by value, for a value may be anything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

from deidrelease.report.release_page.report_error import ReportError

# Written out and not asked of `unicodedata`, whose tables change with Python. Neither can be told in HTML: NUL and
# most controls are no characters there, and a lone surrogate has no UTF-8.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LARGEST = 2**53
_DEEPEST = 16


class Shape(Protocol):
    """What a value may look like."""

    def check(self, value: Any, where: str) -> None:
        """Raises ReportError where `value` does not look so."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string that HTML can hold; `pattern` has to match all of it."""

    pattern: str = ""

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if type(value) is not str:
            raise ReportError(f"{where}: is no text")
        if _NO_TEXT.search(value):
            raise ReportError(f"{where}: holds a control character, which a page cannot show")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ReportError(f"{where}: is not of the form {self.pattern}")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if type(value) is not str or value not in self.words:
            raise ReportError(f"{where}: is none of {', '.join(self.words)}")


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if type(value) is not bool:
            raise ReportError(f"{where}: is neither true nor false")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` on that every JSON reader understands alike."""

    least: int = 0

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if type(value) is not int or not self.least <= value <= _LARGEST:
            raise ReportError(f"{where}: is no whole number from {self.least} to 2^53")


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number."""

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if type(value) is int and abs(value) <= _LARGEST:
            return
        if type(value) is not float or not isfinite(value):
            raise ReportError(f"{where}: is no finite number")


@dataclass(frozen=True, slots=True)
class Maybe:
    """Null, or of `shape`."""

    shape: Shape

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if value is not None:
            self.shape.check(value, where)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of such."""

    shape: Shape

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if not isinstance(value, list | tuple):
            raise ReportError(f"{where}: is no list")
        for index, item in enumerate(value):
            self.shape.check(item, f"{where}[{index}]")


@dataclass(frozen=True, slots=True)
class Named:
    """Names to such; the names are not quoted in a message, for they may come from anywhere."""

    shape: Shape
    name: Text = field(default=Text())

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if not isinstance(value, Mapping):
            raise ReportError(f"{where}: is no object")
        for index, key in enumerate(value):
            self.name.check(key, f"{where}: name {index + 1}")
            self.shape.check(value[key], f"{where}: entry {index + 1}")


@dataclass(frozen=True, slots=True)
class Record:
    """Exactly these keys, `optional` ones too or not."""

    keys: Mapping[str, Shape]
    optional: Mapping[str, Shape] = field(default_factory=dict)

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        if not isinstance(value, Mapping):
            raise ReportError(f"{where}: is no object")
        if missing := sorted(set(self.keys) - set(value)):
            raise ReportError(f"{where}: lacks {', '.join(missing)}")
        if unknown := set(value) - set(self.keys) - set(self.optional):
            raise ReportError(f"{where}: holds {len(unknown)} keys that this format does not know")
        for key, shape in (*self.keys.items(), *self.optional.items()):
            if key in value:
                shape.check(value[key], f"{where}: {key}")


@dataclass(frozen=True, slots=True)
class Plain:
    """Anything of JSON whose texts can be shown and whose depth is that of a document for people."""

    def check(self, value: Any, where: str) -> None:
        """See `Shape`."""
        self._check(value, where, 0)

    def _check(self, value: Any, where: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise ReportError(f"{where}: is nested more than {_DEEPEST} deep")
        if value is None or type(value) is bool:
            return
        if isinstance(value, Mapping):
            for key in value:
                Text().check(key, f"{where}: a name")
                self._check(value[key], where, depth + 1)
        elif isinstance(value, list | tuple):
            for item in value:
                self._check(item, where, depth + 1)
        else:
            (Text() if isinstance(value, str) else Number()).check(value, where)
