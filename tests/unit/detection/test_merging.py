"""What several detectors found, as spans."""

import pytest

from deidrelease.detection.merging import Finding, merge
from deidrelease.notes import Span


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], []),
        ([(3, 9, "NAME", 0.85)], [(3, 9, "NAME")]),
        # One within the other: the longer speaks, however sure the shorter is.
        ([(0, 10, "ADDRESS", 0.4), (4, 9, "ZIP", 1.0)], [(0, 10, "ADDRESS")]),
        # Staggered: both are covered, by one span with the label of the longer.
        ([(0, 6, "PHONE", 0.4), (4, 12, "ID", 0.5)], [(0, 12, "ID")]),
        # Equally long: the surer; equally sure: the alphabet.
        ([(0, 9, "ID", 0.85), (0, 9, "NIF", 1.0)], [(0, 9, "NIF")]),
        ([(0, 9, "NIF", 0.6), (0, 9, "ID", 0.6)], [(0, 9, "ID")]),
        # A chain: the first and the last share nothing, but both touch the middle one.
        ([(0, 4, "A", 1.0), (3, 8, "B", 0.1), (7, 9, "C", 1.0)], [(0, 9, "B")]),
        # The longest may stand before others that reach less far.
        ([(0, 20, "A", 0.5), (1, 2, "B", 0.9), (18, 19, "C", 0.9), (20, 21, "D", 0.5)], [(0, 20, "A"), (20, 21, "D")]),
        # Neighbours that only touch stay apart, with the same label too.
        ([(0, 4, "A", 1.0), (4, 8, "A", 1.0)], [(0, 4, "A"), (4, 8, "A")]),
    ],
)
def test_findings_become_spans(
    findings: list[tuple[int, int, str, float]], expected: list[tuple[int, int, str]]
) -> None:
    made = [Finding(*finding) for finding in findings]
    assert merge(made) == merge(reversed(made)) == tuple(Span(*span) for span in expected)
