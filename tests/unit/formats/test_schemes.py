"""Schemes of labels, worked by hand: which one a file uses, the spans it makes, what is not of it."""

import pytest

from deidrelease.formats.schemes import Census, Chunker, split

# Sentences of labels, the scheme, chunks as (first token, last token, label); tokens count on over sentences.
GOOD = {
    "IOB2": (["B-A I-A O B-A B-A", "B-B I-B"], "iob2", [(0, 1, "A"), (3, 3, "A"), (4, 4, "A"), (5, 6, "B")]),
    "IOB1": (["I-A I-A O I-A B-A", "I-B I-B"], "iob1", [(0, 1, "A"), (3, 3, "A"), (4, 4, "A"), (5, 6, "B")]),
    "IOB1, types side by side": (["I-A I-B"], "iob1", [(0, 0, "A"), (1, 1, "B")]),
    "BIOES": (["B-A I-A E-A S-A O S-B"], "bioes", [(0, 2, "A"), (3, 3, "A"), (5, 5, "B")]),
    "BILOU": (["B-A L-A U-A O U-B"], "bioes", [(0, 1, "A"), (2, 2, "A"), (4, 4, "B")]),
    "BIOES, single tokens only": (["S-A O S-A S-A"], "bioes", [(0, 0, "A"), (2, 2, "A"), (3, 3, "A")]),
    "plain": (["A A O A B", "B 0 B"], "plain", [(0, 1, "A"), (3, 3, "A"), (4, 4, "B"), (5, 5, "B"), (7, 7, "B")]),
    "plain, a label like a prefix": (["E-MAIL A O"], "plain", [(0, 0, "E-MAIL"), (1, 1, "A")]),
    "labels with a hyphen": (["B-E-MAIL I-E-MAIL O"], "iob2", [(0, 1, "E-MAIL")]),
    "nothing": (["O O", "0"], "plain", []),
}
IOB2 = "B-LABEL, then I-LABEL"
BAD = {
    "I- begins, B- is free": (["I-A O B-A"], "iob2", [0], [(0, 0, "A"), (2, 2, "A")]),
    "I- behind another type": (["B-A I-B"], "iob2", [1], [(0, 0, "A"), (1, 1, "B")]),
    "I- over a sentence's end": (["B-A", "I-A"], "iob2", [1], [(0, 0, "A"), (1, 1, "A")]),
    "a bare label": (["B-A A"], "iob2", [1], [(0, 1, "A")]),
    "B- that is not ended": (["B-A O S-A"], "bioes", [1], [(0, 0, "A"), (2, 2, "A")]),
    "E- that ends nothing": (["O E-A"], "bioes", [1], [(1, 1, "A")]),
    "I- behind an end": (["S-A I-A E-A"], "bioes", [1], [(0, 0, "A"), (1, 2, "A")]),
}


def run(sentences: list[str]) -> tuple[str, list[tuple[int, int, str]], list[int]]:
    census = Census()
    for sentence in sentences:
        for label in [*sentence.split(), None]:
            census.add(label)
    chunker, bad, number = Chunker(census.scheme()), [], 0
    for sentence in sentences:
        for label in sentence.split():
            bad += [number for _ in chunker.add(number, label)]
            number += 1
        bad += [number - 1 for _ in chunker.end()]
    return census.scheme(), [(chunk.first, chunk.last, chunk.label) for chunk in chunker.chunks], bad


@pytest.mark.parametrize("case", GOOD)
def test_labels_make_spans(case: str) -> None:
    sentences, scheme, chunks = GOOD[case]
    assert run(sentences) == (scheme, chunks, [])


@pytest.mark.parametrize("case", BAD)
def test_a_label_that_is_not_of_the_scheme_is_told_and_loses_no_span(case: str) -> None:
    sentences, scheme, bad, chunks = BAD[case]
    assert run(sentences) == (scheme, chunks, bad)


def test_what_is_wrong_says_what_is_allowed_and_quotes_no_label() -> None:
    chunker = Chunker("iob2")
    (what,) = chunker.add(0, "I-SECRET")
    assert IOB2 in what
    assert "SECRET" not in what


@pytest.mark.parametrize(
    ("label", "parts"),
    [("B-A", ("B", "A")), ("I-", ("", "I-")), ("X-A", ("", "X-A")), ("A", ("", "A")), ("B-B-A", ("B", "B-A"))],
)
def test_a_prefix_is_split_off_once(label: str, parts: tuple[str, str]) -> None:
    assert split(label) == parts
