"""Rebuilds the tokenizer that a GGUF file carries as lists: BPE with byte fallback (Gemma) or over bytes (SmolLM2)."""

from typing import Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.starters.gguf_weights import GgufFile

_CONTROL = 3
_USER_DEFINED = 4
_BYTE = 6


def tokenizer_of(file: GgufFile) -> Any:
    """A fast tokenizer with the special tokens of the file.

    Raises:
        ModelError: The file's tokenizer is of a kind that is not known.
    """
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    tokens = _strings(file, "tokenizer.ggml.tokens")
    types = file.value("tokenizer.ggml.token_type")
    kind = (file.value("tokenizer.ggml.model"), file.value("tokenizer.ggml.pre", "default"))
    if kind == ("gpt2", "smollm"):
        tokenizer = _over_bytes(tokens, _strings(file, "tokenizer.ggml.merges"))
    elif kind == ("llama", "default"):
        unknown = tokens[file.value("tokenizer.ggml.unknown_token_id")]
        tokenizer = _with_byte_fallback(tokens, file.value("tokenizer.ggml.scores"), types, unknown)
    else:
        problem = Problem("tokenizer.ggml.model", f"is {kind[0]} ({kind[1]})", "this file cannot be converted")
        raise ModelError("A tokenizer cannot be converted.", [problem])
    special = {
        f"{name}_token": tokens[index]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
        if (index := file.value(f"tokenizer.ggml.{key}_token_id")) is not None
    }
    tokenizer.add_special_tokens(_added(AddedToken, tokens, types, _CONTROL))
    tokenizer.add_tokens(_added(AddedToken, tokens, types, _USER_DEFINED))
    if file.value("tokenizer.ggml.add_bos_token", False):
        tokenizer.post_processor = _opening(special["bos_token"], tokens)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=file.value("{arch}.context_length"),
        clean_up_tokenization_spaces=False,
        padding_side="right",
        **special,
    )


def merges_from_scores(pieces: dict[str, int], scores: list[float]) -> list[tuple[str, str]]:
    """The merges of a SentencePiece BPE, which keeps none: all pairs of pieces that make a piece, best score first.

    Args:
        pieces: That may be merged, and may come of a merge, to their ids.
        scores: By id.
    """
    merges = []
    for piece in sorted(pieces, key=lambda piece: -scores[pieces[piece]]):
        pairs = [(piece[:at], piece[at:]) for at in range(len(piece) - 1, 0, -1)]
        merges += [pair for pair in pairs if pair[0] in pieces and pair[1] in pieces]
    return merges


def _with_byte_fallback(tokens: list[str], scores: list[float], types: list[int], unknown: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    mergeable = {token: i for i, token in enumerate(tokens) if types[i] not in (_CONTROL, _USER_DEFINED, _BYTE)}
    model = models.BPE(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=merges_from_scores(mergeable, scores),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _over_bytes(tokens: list[str], merges: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _added(make: Any, tokens: list[str], types: list[int], wanted: int) -> list[Any]:
    chosen = [token for token, kind in zip(tokens, types, strict=True) if kind == wanted]
    return [make(token, special=wanted == _CONTROL, normalized=False) for token in chosen]


def _opening(bos: str, tokens: list[str]) -> Any:
    from tokenizers import processors

    return processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokens.index(bos))])


def _strings(file: GgufFile, key: str) -> list[str]:
    field = file.reader.fields[key]
    return [bytes(field.parts[index]).decode() for index in field.data]
