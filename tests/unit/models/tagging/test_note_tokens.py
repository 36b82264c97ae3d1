"""Line ends and punctuation become tokens of their own for encoders whose tokenizer has none; nothing else changes."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
    XLMRobertaTokenizer,
)

from deidrelease.models.tagging.note_tokens import fit_to_notes

PIECES = ("<pad>", "<s>", "</s>", "<unk>", "▁", "▁a", "▁b", "1.", "▁1.", "a", "b", "▁1", "1", ".")


def tokenizer(normalizer: Any = None) -> PreTrainedTokenizerFast:
    unigram = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(PIECES)], unk_id=3))
    unigram.normalizer = normalizer or normalizers.Replace("\n", " ")
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=unigram, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@pytest.fixture
def model() -> BertForTokenClassification:
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    return BertForTokenClassification(config)


def pieces(of: PreTrainedTokenizerFast, text: str) -> list[tuple[str, tuple[int, int]]]:
    encoding = of(text, add_special_tokens=False, return_offsets_mapping=True)
    tokens = of.convert_ids_to_tokens(encoding["input_ids"])
    return [(token, text_span) for token, text_span in zip(tokens, encoding["offset_mapping"], strict=True)]


def test_a_dropped_line_end_gets_a_token_with_its_offsets(model: BertForTokenClassification) -> None:
    tokens = tokenizer()
    assert [piece for piece, _ in pieces(tokens, "a\nb")] == ["▁a", "▁b"]
    tokens = fit_to_notes(tokens, model, line_ends=True, punctuation=False)
    assert ("\n", (1, 2)) in pieces(tokens, "a\nb")
    assert [piece for piece, _ in pieces(tokens, "a b")] == ["▁a", "▁b"]


def test_it_begins_as_what_ends_a_text(model: BertForTokenClassification) -> None:
    tokens = tokenizer()
    tokens = fit_to_notes(tokens, model, line_ends=True, punctuation=False)
    weights = model.get_input_embeddings().weight
    assert len(weights) == len(PIECES) + 1 == model.config.vocab_size
    assert weights[tokens.convert_tokens_to_ids("\n")].equal(weights[tokens.eos_token_id])


def test_it_outlives_saving(model: BertForTokenClassification, tmp_path: Path) -> None:
    tokens = tokenizer()
    tokens = fit_to_notes(tokens, model, line_ends=True, punctuation=False)
    tokens.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert pieces(again, "a\n\nb.") == pieces(tokens, "a\n\nb.")
    assert BertForTokenClassification.from_pretrained(tmp_path).config.vocab_size == len(PIECES) + 1


def test_punctuation_is_cut_off_where_a_token_holds_both(model: BertForTokenClassification, tmp_path: Path) -> None:
    tokens = tokenizer()
    assert pieces(tokens, "a 1.") == [("▁a", (0, 1)), ("▁1.", (1, 4))]
    cut = fit_to_notes(tokens, model, line_ends=False, punctuation=True)
    assert pieces(cut, "a 1.") == [("▁a", (0, 1)), ("▁1", (1, 3)), (".", (3, 4))]
    assert model.config.vocab_size == len(PIECES)
    cut.save_pretrained(tmp_path)
    assert pieces(AutoTokenizer.from_pretrained(tmp_path), "a 1.") == pieces(cut, "a 1.")


def test_a_tokenizer_with_a_class_of_its_own_comes_back_as_it_was_fitted(tmp_path: Path) -> None:
    own = XLMRobertaTokenizer(vocab=[(piece, -float(i)) for i, piece in enumerate((*PIECES, "<mask>"))])
    config = XLMRobertaConfig(vocab_size=len(own), hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    model = XLMRobertaForTokenClassification(config)
    fitted = fit_to_notes(own, model, line_ends=True, punctuation=True)
    fitted.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert pieces(again, "a 1.\nb") == pieces(fitted, "a 1.\nb")
    assert {piece for piece, _ in pieces(again, "a 1.\nb")} >= {"▁1", ".", "\n"}
    assert again("a")["input_ids"] == own("a")["input_ids"]
    assert (again.sep_token, again.pad_token) == (own.sep_token, own.pad_token)


def test_a_tokenizer_that_sees_line_ends_stays_as_it_is(model: BertForTokenClassification) -> None:
    tokens = tokenizer(normalizers.Replace("\n", "."))
    tokens = fit_to_notes(tokens, model, line_ends=True, punctuation=False)
    assert len(tokens) == len(PIECES) == model.config.vocab_size
