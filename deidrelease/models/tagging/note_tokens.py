"""Fits the tokenizer of a pretrained encoder to clinical notes: a span must be able to begin and end where PII does.

Tokenizers for prose join a number with the full stop behind it, and take a line end for a space. In notes both are
borders: of MEDDOCAN's spans, 6 % begin or end inside a token of XLM-R's vocabulary, and can then never be tagged right;
and in a form the line's end is the value's end, where a hospital, its street and its town stand below one another.
"""

from typing import Any

LINE_END = "\n"
_NUMBERS_AND_MARKS = "a. 1. 28016, 1: 5; 1) (1 -1 1/2 a:1 12.5."
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def fit_to_notes(tokenizer: Any, model: Any, line_ends: bool, punctuation: bool) -> Any:
    """The tokenizer to use with `model`, the same one where there is nothing to change.

    Args:
        tokenizer: Fast.
        model: With the embeddings of that tokenizer; gets one more where line ends get a token.
        line_ends: Give line ends a token of their own where they have none. It begins as a copy of the one that ends a
            text and is trained with the rest; where embeddings are frozen it still tells a line's end from a space.
        punctuation: Cut tokens at punctuation where some hold both marks and other characters.
    """
    fitted = tokenizer
    if punctuation and _joins_punctuation(tokenizer):
        fitted = _plain(fitted)
        _cut_at_punctuation(fitted)
    if line_ends and _drops_line_ends(tokenizer):
        fitted = _plain(fitted)
        _add_line_end(fitted, model)
    return fitted


def _plain(tokenizer: Any) -> Any:
    """The same tokenizer without a class of its own, which would build its parts anew when it is loaded."""
    from transformers import PreTrainedTokenizerFast

    special = {name: getattr(tokenizer, name) for name in _SPECIAL if getattr(tokenizer, name) is not None}
    plain = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, model_max_length=tokenizer.model_max_length, **special
    )
    plain.name_or_path = tokenizer.name_or_path
    return plain


def _cut_at_punctuation(tokenizer: Any) -> None:
    from tokenizers import pre_tokenizers

    parts = [pre_tokenizers.Punctuation("isolated")]
    if tokenizer.backend_tokenizer.pre_tokenizer is not None:
        parts.insert(0, tokenizer.backend_tokenizer.pre_tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)


def _add_line_end(tokenizer: Any, model: Any) -> None:
    from tokenizers import AddedToken

    numbers = (tokenizer.sep_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, 0)
    like = next(number for number in numbers if number is not None)
    # Not normalised: it must be found before a normaliser makes a space of it.
    tokenizer.add_tokens([AddedToken(LINE_END, normalized=False)])
    number = tokenizer.convert_tokens_to_ids(LINE_END)
    embeddings = model.get_input_embeddings()
    if number >= embeddings.num_embeddings:
        embeddings = model.resize_token_embeddings(number + 1, mean_resizing=False)
    embeddings.weight.data[number] = embeddings.weight.data[like]


def _drops_line_ends(tokenizer: Any) -> bool:
    def ids(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]

    return ids(f"a{LINE_END}b") == ids("a b")


def _joins_punctuation(tokenizer: Any) -> bool:
    encoding = tokenizer(_NUMBERS_AND_MARKS, add_special_tokens=False, return_offsets_mapping=True)
    tokens = (_NUMBERS_AND_MARKS[start:end].strip() for start, end in encoding["offset_mapping"])
    return any(len({character.isalnum() for character in token}) > 1 for token in tokens)
