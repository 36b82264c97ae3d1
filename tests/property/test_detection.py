"""What must hold of detection for any findings and any text."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")

from deidrelease.detection.analyzer import blocks
from deidrelease.detection.merging import Finding, merge

spans = st.tuples(st.integers(0, 60), st.integers(1, 20))
findings = st.builds(
    lambda place, label, score: Finding(place[0], place[0] + place[1], label, score),
    spans,
    st.sampled_from("ABC"),
    st.sampled_from([0.1, 0.5, 0.85, 1.0]),
)


def characters(found: object) -> set[int]:
    return {at for span in found for at in range(span.start, span.end)}  # type: ignore[attr-defined]


@given(st.lists(findings, max_size=12), st.randoms(use_true_random=False))
def test_merging_covers_every_character_that_was_found_and_no_other(found: list[Finding], random: object) -> None:
    merged = merge(found)
    assert characters(merged) == characters(found)
    assert all(left.end <= right.start for left, right in pairwise(merged))
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merged
    # Each span speaks with the label of the longest finding in it.
    for span in merged:
        within = [f for f in found if span.start <= f.start < span.end]
        longest = max(f.end - f.start for f in within)
        assert span.label in {f.label for f in within if f.end - f.start == longest}


@given(st.text(alphabet="ab \n", max_size=400), st.integers(20, 120), st.data())
def test_whatever_is_short_stands_whole_in_a_block_with_as_much_before_it(
    text: str, size: int, data: st.DataObject
) -> None:
    overlap = size // 2
    made = list(blocks(text, size, overlap))
    assert all(end - start <= size for start, end in made)
    assert characters_of(made) == set(range(len(text)))
    if text:
        short = overlap // 4
        start = data.draw(st.integers(0, len(text) - 1))
        end = min(len(text), start + short)
        assert any(low <= max(0, start - short) and end <= high for low, high in made)


def characters_of(made: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in made for at in range(start, end)}


chains = st.text(alphabet="ab1.-/ñ @:'\"", max_size=30)
texts = st.lists(
    st.one_of(chains, st.sampled_from(["www.", ".es", ".com", "https://", "x.org/a", "..", "--", ". "])), max_size=12
).map("".join)


# A chain of marks before the ending ("..es") is no host, whatever Presidio says.
HOST = re.compile(r"[a-z0-9][a-z0-9.\-]*\.[a-z]", re.IGNORECASE)


@given(texts)
def test_web_addresses_are_those_that_presidio_finds(text: str) -> None:
    from presidio_analyzer.predefined_recognizers import UrlRecognizer

    from deidrelease.detection.addresses import url_recognizer

    theirs = [
        r for r in UrlRecognizer(supported_language="es").analyze(text, ["URL"]) if HOST.search(text[r.start : r.end])
    ]
    ours = characters(url_recognizer("es").analyze(text, ["URL"]))
    assert {at for at in characters(theirs) if text[at] not in ".-"} <= ours
