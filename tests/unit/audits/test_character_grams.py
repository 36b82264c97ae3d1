"""The bits of a value by counted grams, against the same rule written out character by character."""

from collections import Counter
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease_audits.character_grams import GramCounts

_VALUES = st.dictionaries(st.text(alphabet="ab1é😀", min_size=1, max_size=6), st.integers(1, 4), max_size=8)


def _grams(value: str) -> list[str]:
    text = "\x02\x02" + value
    return [text[at - before : at + 1] for at in range(2, len(text)) for before in range(3)]


def _bits(seen: dict[str, int], value: str, left_out: int, characters: int) -> float:
    counts: Counter[str] = Counter()
    for other, times in seen.items():
        for gram in _grams(other):
            counts[gram] += times
    kinds = Counter(gram[:-1] for gram in counts)
    for gram in _grams(value):
        counts[gram] -= left_out
    totals: Counter[str] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    bits, chance = 0.0, 1.0
    for gram in _grams(value):
        chance = 1 / characters if len(gram) == 1 else chance
        if totals[gram[:-1]] > 0:
            many = kinds[gram[:-1]]
            chance = (max(counts[gram], 0) + many * chance) / (totals[gram[:-1]] + many)
        bits -= log2(chance) if len(gram) == 3 else 0.0
    return bits


@given(_VALUES)
@settings(deadline=None)
def test_bits_are_those_of_the_rule(seen: dict[str, int]) -> None:
    values = [*seen, "zz1", "a"]
    left_out = [*seen.values(), 0, 0]
    got = GramCounts.of(list(seen), list(seen.values())).bits(values, left_out, 40)
    assert got == pytest.approx([_bits(seen, *pair, 40) for pair in zip(values, left_out, strict=True)], rel=1e-12)


@given(_VALUES, _VALUES)
@settings(deadline=None)
def test_counts_add_up(one: dict[str, int], other: dict[str, int]) -> None:
    both = Counter(one) + Counter(other)
    parts = [GramCounts.of(list(seen), list(seen.values())) for seen in (one, other, both)]
    assert parts[0] + parts[1] == parts[2] == parts[1] + parts[0]


def test_two_characters_by_hand() -> None:
    # Seen "aa" twice. First "a": each context was seen 2 or 4 times with one kind behind it.
    by_none = (4 + 1 / 2) / 5
    by_begin = (2 + by_none) / 3
    assert GramCounts.of(["aa"], [2]).bits(["a"], [0], 2)[0] == pytest.approx(-log2((2 + by_begin) / 3))
