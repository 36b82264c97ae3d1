"""A cut vocabulary loses no text: what was spelt with all pieces is spelt with fewer, byte by byte where need be."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made.tokenizers import WORDS, byte_fallback, over_bytes, unigram
from tokenizers import Tokenizer

from deidrelease.models.vocabulary.choosing import kept_pieces
from deidrelease.models.vocabulary.surgery import cut_tokenizer
from deidrelease.models.vocabulary.words import forms

# Names of special tokens are no text to any tokenizer; ▁ stands for a space in these two kinds.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁<|")).filter(lambda text: "<" not in text)


@cache
def pair(kind: str) -> tuple[Any, Tokenizer]:
    whole = {"byte fallback": byte_fallback, "over bytes": over_bytes, "unigram": unigram}[kind]()
    document = json.loads(whole.backend_tokenizer.to_str())
    smaller, _ = cut_tokenizer(document, kept_pieces(document, forms(WORDS), whole.all_special_tokens))
    return whole.backend_tokenizer, Tokenizer.from_str(json.dumps(smaller))


@pytest.mark.parametrize("kind", ["byte fallback", "over bytes"])
@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
@example(text="  two\n\n\tJosé 12/03 漢字 𐍈 é \r\n")
def test_what_is_cut_and_joined_is_what_it_was(kind: str, text: str) -> None:
    _, smaller = pair(kind)
    ids = smaller.encode(text, add_special_tokens=False).ids
    assert smaller.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("kind", ["byte fallback", "over bytes", "unigram"])
@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from([*forms(WORDS)]), min_size=1, max_size=6))
def test_a_sentence_of_listed_words_is_cut_as_before(kind: str, words: list[str]) -> None:
    whole, smaller = pair(kind)
    spaced = " ".join(word.strip() for word in words if not word.startswith("("))
    before, after = (made.encode(spaced, add_special_tokens=False) for made in (whole, smaller))
    assert after.tokens == before.tokens
    assert after.offsets == before.offsets


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_offsets_of_an_encoder_s_tokens_stay_in_the_text_and_in_order(text: str) -> None:
    _, smaller = pair("unigram")
    offsets = smaller.encode(text, add_special_tokens=False).offsets
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert [start for start, _ in offsets] == sorted(start for start, _ in offsets)
