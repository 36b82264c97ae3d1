"""The language model of the synthetic text, by hand and against plain dictionaries; and nearest neighbours likewise."""

from collections import Counter, defaultdict
from math import log

import numpy as np
import pytest

from deidrelease_audits.membership.shingle_neighbours import ShingleIndex
from deidrelease_audits.text.ngram_model import HashTable, NgramModel
from deidrelease_audits.text.tokens import tokenise_all


def surprise(fitted: list[str], asked: list[str], order: int) -> tuple[list[float], list[float]]:
    tokens, first = tokenise_all(fitted, "words")
    other, there = tokenise_all(asked, "words")
    given, alone = NgramModel.fit(tokens.codes, first, order).surprise(other.codes, there)
    return given.tolist(), alone.tolist()


def test_witten_bell_by_hand() -> None:
    # "a b a c": 4 words of 3 types, so P(b) = (1 + 3/4) / 7 and an unseen word has (3/4) / 7.
    # Behind "a" stand 2 words of 2 types: P(b | a) = (1 + 2 P(b)) / 4.
    given, alone = surprise(["a b a c"], ["a b", "a z", "z b"], 2)
    seen, unseen, twice = 1.75 / 7, 0.75 / 7, 2.75 / 7
    assert alone == pytest.approx([-log(p) for p in (twice, seen, twice, unseen, unseen, seen)])
    expected = [twice, (1 + 2 * seen) / 4, twice, (0 + 2 * unseen) / 4, unseen, seen]
    assert given == pytest.approx([-log(p) for p in expected])


def test_a_context_at_a_texts_end_has_no_followers_in_the_next() -> None:
    given, alone = surprise(["a b", "c d"], ["b c"], 2)
    assert given == pytest.approx(alone)


@pytest.mark.parametrize("seed", range(8))
def test_equals_a_plain_dictionary_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [chr(97 + i) for i in range(5)]
    fitted = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(6)]
    asked = [" ".join(rng.choice([*words, "zz"], rng.integers(0, 30))) for _ in range(6)]
    given, _ = surprise(fitted, asked, 4)
    assert given == pytest.approx(dictionary_surprise(fitted, asked, 4))


def dictionary_surprise(fitted: list[str], asked: list[str], order: int) -> list[float]:
    followers: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for text in fitted:
        words = text.split()
        for at, word in enumerate(words):
            for size in range(min(order - 1, at) + 1):
                followers[tuple(words[at - size : at])][word] += 1
    empty = followers[()]

    def chance(word: str, context: tuple[str, ...]) -> float:
        if not context:
            return (empty[word] + len(empty) / (len(empty) + 1)) / (sum(empty.values()) + len(empty))
        lower, seen = chance(word, context[1:]), followers.get(context)
        return (seen[word] + len(seen) * lower) / (sum(seen.values()) + len(seen)) if seen else lower

    texts = [text.split() for text in asked]
    return [-log(chance(w, tuple(words[max(0, i - order + 1) : i]))) for words in texts for i, w in enumerate(words)]


def test_a_model_of_nothing_says_nothing() -> None:
    given, alone = surprise([], ["a b"], 3)
    assert given == alone == [0.0, 0.0]


def test_a_hash_table_finds_what_is_in_it_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    keys = np.unique(rng.integers(0, 2**64, 5000, np.uint64))
    others = rng.integers(0, 2**64, 5000, np.uint64)
    table = HashTable.of(keys)
    assert np.array_equal(table.find(keys), np.arange(len(keys)))
    assert np.array_equal(table.find(others) >= 0, np.isin(others, keys))
    assert HashTable.of(keys[:0]).find(others[:3]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("seed", range(6))
def test_containment_equals_sets_of_shingles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [chr(97 + i) for i in range(4)]
    synthetic = [" ".join(rng.choice(words, rng.integers(0, 25))) for _ in range(12)]
    private = [" ".join(rng.choice(words, rng.integers(0, 25))) for _ in range(7)]
    index = ShingleIndex.of(*codes(synthetic), 3, 5)
    held = [shingles(text) for text in synthetic]
    common = {s for s, n in Counter(s for one in held for s in one).items() if n > 5}
    for text, nearest in zip(private, index.nearest(*codes(private)), strict=True):
        own = shingles(text) - common
        assert nearest == pytest.approx(max((len(own & one) for one in held), default=0) / max(len(own), 1))


def codes(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    tokens, first = tokenise_all(texts, "words")
    return tokens.codes, first


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}
