"""Cutting a vocabulary: listed words as before, anything else still spelt, rows that follow their pieces."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from made.tokenizers import WORDS, byte_fallback, over_bytes, unigram
from tokenizers import Tokenizer

from deidrelease.errors import ModelError
from deidrelease.models.vocabulary.choosing import kept_pieces
from deidrelease.models.vocabulary.surgery import cut_config, cut_tensors, cut_tokenizer
from deidrelease.models.vocabulary.words import forms, problem_with, public_words
from deidrelease.models.weights import Tensor
from deidrelease.settings import PublicVocabulary

MAKERS: dict[str, Callable[[], Any]] = {"byte fallback": byte_fallback, "over bytes": over_bytes, "unigram": unigram}


def cut(whole: Any, words: list[str] = WORDS) -> tuple[Tokenizer, list[int]]:
    document = json.loads(whole.backend_tokenizer.to_str())
    kept = kept_pieces(document, forms(words), whole.all_special_tokens)
    smaller, old = cut_tokenizer(document, kept)
    return Tokenizer.from_str(json.dumps(smaller)), old


@pytest.mark.parametrize("kind", MAKERS)
def test_listed_words_are_cut_into_the_same_pieces_as_before(kind: str) -> None:
    whole = MAKERS[kind]()
    smaller, _ = cut(whole)
    assert smaller.get_vocab_size() < len(whole)
    for form in forms(WORDS):
        before = whole.backend_tokenizer.encode(form, add_special_tokens=False)
        assert smaller.encode(form, add_special_tokens=False).tokens == before.tokens


@pytest.mark.parametrize("kind", MAKERS)
def test_new_ids_run_without_a_gap_and_point_at_the_old_rows(kind: str) -> None:
    whole = MAKERS[kind]()
    smaller, old = cut(whole)
    vocabulary = smaller.get_vocab(with_added_tokens=True)
    assert sorted(vocabulary.values()) == list(range(len(old)))
    assert old == sorted(old)
    assert all(whole.get_vocab()[piece] == old[index] for piece, index in vocabulary.items())


@pytest.mark.parametrize("kind", MAKERS)
def test_the_frame_around_a_text_keeps_its_tokens(kind: str) -> None:
    whole = MAKERS[kind]()
    smaller, _ = cut(whole)
    frame = whole.backend_tokenizer.encode("paciente").tokens
    assert smaller.encode("paciente").tokens == frame


def test_unused_tokens_go_and_runs_of_blanks_stay() -> None:
    vocabulary = cut(byte_fallback())[0].get_vocab(with_added_tokens=True)
    assert "<unused0>" not in vocabulary
    assert {"\n\n", "  ", "<pad>", "<bos>", "<eos>", "<unk>", "<0xFF>"} <= vocabulary.keys()


def test_no_text_but_the_public_words_decides() -> None:
    """The same words, whatever the tokenizer was trained on, and nothing is read from anywhere else."""
    first, second = (cut(byte_fallback(), words)[1] for words in (["the"], ["the", "paciente"]))
    assert set(first) < set(second)


def test_pieces_that_a_merge_goes_through_are_kept() -> None:
    """Worked by hand: "abcd" is made of "ab" and "cd", so both stay though no word shows them."""
    model = {
        "type": "BPE",
        "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "ab": 4, "cd": 5, "abcd": 6, "bc": 7, "da": 8},
        "merges": [["a", "b"], ["c", "d"], ["b", "c"], ["d", "a"], ["ab", "cd"]],
        "unk_token": None, "byte_fallback": False, "fuse_unk": False, "ignore_merges": False,
        "dropout": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
    }  # fmt: skip
    document = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model,
    }  # fmt: skip
    kept = kept_pieces(document, ["abcd"], [])
    assert kept == ["a", "b", "c", "d", "ab", "cd", "abcd"]
    smaller, _ = cut_tokenizer(document, kept)
    assert smaller["model"]["merges"] == [["a", "b"], ["c", "d"], ["ab", "cd"]]
    assert document["model"]["vocab"]["da"] == 8


def test_rows_follow_their_pieces_and_other_tensors_stay() -> None:
    rows = torch.arange(12, dtype=torch.float32).reshape(6, 2).numpy()
    tensors = [
        Tensor("model.embed_tokens.weight", (6, 2), lambda: iter([rows[:4], rows[4:]])),
        Tensor("model.norm.weight", (2,), lambda: iter([rows[0]])),
    ]
    embedding, norm = cut_tensors(tensors, 6, [0, 3, 4, 5])
    assert [row for block in embedding.blocks() for row in block.tolist()] == [[0, 1], [6, 7], [8, 9], [10, 11]]
    assert (embedding.shape, norm.shape) == ((4, 2), (2,))


@pytest.mark.parametrize("names", [["model.odd.weight"], ["model.norm.bias"]])
def test_weights_that_are_not_understood_are_refused(names: list[str]) -> None:
    shape = (6, 2) if "odd" in names[0] else (2,)
    tensors = [Tensor(name, shape, lambda: iter([])) for name in names]
    with pytest.raises(ModelError, match="cannot be cut"):
        cut_tensors(tensors, 6, [0, 1])


def test_the_config_s_ids_follow_too() -> None:
    config = {"vocab_size": 9, "eos_token_id": [3, 8], "pad_token_id": 0, "bos_token_id": 4, "mask_token_id": None}
    assert cut_config(config, [0, 3, 5]) == {"vocab_size": 3, "eos_token_id": [1], "pad_token_id": 0}


def test_a_wordpiece_tokenizer_is_refused() -> None:
    document = {"model": {"type": "WordPiece", "vocab": {"a": 0}}, "added_tokens": []}
    with pytest.raises(ModelError, match="WordPiece"):
        kept_pieces(document, WORDS, [])


def test_forms_of_a_word() -> None:
    assert list(forms(["ana"])) == ["ana", " ana", "(ana", "Ana", " Ana", "(Ana", "ANA", " ANA", "(ANA"]


def test_public_words_are_the_frequent_ones_once_each() -> None:
    pytest.importorskip("wordfreq", reason="needs deidrelease[starters]")
    words = public_words(PublicVocabulary(languages=["es", "en"], words=200))
    assert {"de", "que", "the", "of"} <= set(words)
    assert len(words) == len(set(words)) <= 400


def test_a_language_without_a_list_is_a_problem() -> None:
    pytest.importorskip("wordfreq", reason="needs deidrelease[starters]")
    problem = problem_with(PublicVocabulary(languages=["es", "xx"]), "adapt.vocabulary")
    assert problem is not None
    assert (problem.where, problem.what) == ("adapt.vocabulary.languages", "has no word list for xx")
