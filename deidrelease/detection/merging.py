"""Makes one list of spans of what several detectors found, without giving up a single character of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deidrelease.notes import Span


@dataclass(frozen=True, slots=True)
class Finding:
    """Code points `start` to `end` (half-open) that a detector takes for `label`, with its score from 0 to 1."""

    start: int
    end: int
    label: str
    score: float


def merge(findings: Iterable[Finding]) -> tuple[Span, ...]:
    """Spans that share no character and cover exactly the characters that `findings` cover.

    Findings that share a character, directly or through others, become one span from the first to the last character
    of them all. It takes the label of the longest; of equally long ones that of the highest score; then the first in
    the alphabet. Findings that only touch stay apart.
    """
    return tuple(
        Span(group[0].start, max(finding.end for finding in group), _speaker(group).label)
        for group in _overlapping(sorted(findings, key=lambda finding: (finding.start, finding.end)))
    )


def _overlapping(ordered: Iterable[Finding]) -> Iterator[list[Finding]]:
    group: list[Finding] = []
    reached = 0
    for finding in ordered:
        if group and finding.start >= reached:
            yield group
            group, reached = [], 0
        group.append(finding)
        reached = max(reached, finding.end)
    if group:
        yield group


def _speaker(group: Iterable[Finding]) -> Finding:
    return min(group, key=lambda finding: (finding.start - finding.end, -finding.score, finding.label))
