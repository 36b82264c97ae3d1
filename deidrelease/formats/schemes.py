"""How labels of tokens make spans: IOB2, IOB1, BIOES and BILOU, or labels without prefixes.

A file says nowhere which of them it uses, so that is read off all of its labels before any is taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Scheme = Literal["plain", "iob1", "iob2", "bioes"]
OUTSIDE = frozenset({"O", "0"})
ALLOWED: dict[Scheme, str] = {
    "plain": "a label, or O or 0 outside",
    "iob1": "I-LABEL, B-LABEL behind another of that label, or O",
    "iob2": "B-LABEL, then I-LABEL, or O",
    "bioes": "S-LABEL, or B-LABEL, I-LABEL, E-LABEL (or U, B, I, L), or O",
}
"""What a label may be, in words."""

_ENDS = frozenset("ESLU")
_BEGINS = frozenset("BSU")


def split(label: str) -> tuple[str, str]:
    """A label's prefix, empty where it has none, and its type."""
    if len(label) > 2 and label[1] == "-" and label[0] in "BIESLU":
        return label[0], label[2:]
    return "", label


@dataclass(slots=True)
class Census:
    """What the labels of a file have shown so far."""

    prefixes: set[str] = field(default_factory=set)
    unprefixed: bool = False
    free_b: bool = False
    free_i: bool = False
    before: tuple[str, str] = ("", "O")

    def add(self, label: str | None) -> None:
        """Counts a label; None where a sentence ends."""
        prefix, kind = ("", "O") if label is None or label in OUTSIDE else split(label)
        if label is not None and label not in OUTSIDE:
            follows = bool(self.before[0]) and self.before[1] == kind
            self.unprefixed |= not prefix
            self.prefixes |= {prefix} - {""}
            self.free_b |= prefix == "B" and not follows
            self.free_i |= prefix == "I" and (not follows or self.before[0] in _ENDS)
        self.before = (prefix, kind)

    def scheme(self) -> Scheme:
        """The scheme; a label that is not of it is then a defect."""
        # "E-MAIL" among labels without prefixes is a label, not the end of a "MAIL".
        if not self.prefixes or (self.unprefixed and not self.prefixes & {"B", "I"}):
            return "plain"
        if self.prefixes & _ENDS:
            return "bioes"
        return "iob1" if self.free_i and not self.free_b else "iob2"


@dataclass(slots=True)
class Chunk:
    """Tokens `first` to `last` (inclusive) that carry one label."""

    first: int
    last: int
    label: str


@dataclass(slots=True)
class Chunker:
    """Makes chunks of a sentence's labels as they come.

    Attributes:
        scheme: Of the file.
        chunks: Of all sentences so far; the last one is still open while `open` says so.
    """

    scheme: Scheme
    chunks: list[Chunk] = field(default_factory=list)
    open: bool = False

    def add(self, number: int, label: str) -> Iterator[str]:
        """Takes the label of token `number`; yields what is wrong with it, without quoting it.

        A label that continues nothing begins a chunk all the same: a defect must not lose a span.
        """
        if label in OUTSIDE:
            yield from self.end()
            return
        prefix, kind = ("", label) if self.scheme == "plain" else split(label)
        if self.scheme != "plain" and not prefix:
            yield f"its label is not of the scheme of this file ({ALLOWED[self.scheme]})"
        continues = self.open and self.chunks[-1].label == kind and prefix not in _BEGINS
        if continues:
            self.chunks[-1].last = number
        else:
            yield from self.end()
            if self.scheme in ("iob2", "bioes") and prefix in ("I", "E", "L"):
                yield f"its label continues a span that does not begin ({ALLOWED[self.scheme]})"
            self.chunks.append(Chunk(number, number, kind))
        self.open = prefix not in _ENDS

    def end(self) -> Iterator[str]:
        """Ends a sentence, or an open chunk; yields what is wrong with that."""
        if self.open and self.scheme == "bioes":
            yield f"a span before it is not ended ({ALLOWED[self.scheme]})"
        self.open = False
