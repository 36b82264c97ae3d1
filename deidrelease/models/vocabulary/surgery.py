"""Makes a tokenizer, and the weights that go with it, smaller by pieces that are no longer wanted."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.vocabulary.choosing import as_pair, ids_of
from deidrelease.models.weights import Tensor, some_rows

_BY_TOKEN = (
    "embed_tokens.weight",
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "lm_head.weight",
    "lm_head.bias",
    "decoder.weight",
    "decoder.bias",
    "predictions.bias",
)


def cut_tokenizer(document: dict[str, Any], kept: Sequence[str]) -> tuple[dict[str, Any], list[int]]:
    """A tokenizer of the pieces `kept` alone, and their old ids in the order of the new ones.

    Args:
        document: As in tokenizer.json; left as it is.
        kept: Pieces and added tokens in the order of their ids.

    Raises:
        ModelError: Something in it names tokens in a way that is not known, or a token that it needs is not kept.
    """
    old = ids_of(document)
    new = {piece: i for i, piece in enumerate(kept)}
    smaller = copy.deepcopy(document)
    model = smaller["model"]
    if model["type"] == "BPE":
        model["merges"] = [merge for merge in model["merges"] if _is_whole(as_pair(merge), new)]
        model["vocab"] = {piece: new[piece] for piece in kept if piece in document["model"]["vocab"]}
    else:
        scores = dict(map(tuple, model["vocab"]))
        model["unk_id"] = new[model["vocab"][model["unk_id"]][0]]
        model["vocab"] = [[piece, scores[piece]] for piece in kept if piece in scores]
    smaller["added_tokens"] = [
        {**token, "id": new[token["content"]]} for token in document["added_tokens"] if token["content"] in new
    ]
    _renumber(smaller["post_processor"], new)
    return smaller, [old[piece] for piece in kept]


def cut_tensors(tensors: Sequence[Tensor], entries: int, kept: Sequence[int]) -> list[Tensor]:
    """The tensors, those with a row a token reduced to the rows `kept`.

    Args:
        tensors: Of the whole model.
        entries: Its `vocab_size`.
        kept: Old ids, rising.

    Raises:
        ModelError: None has a row a token, or one that looks so has a name that is not known.
    """
    by_token = [tensor.name for tensor in tensors if tensor.shape and tensor.shape[0] == entries]
    odd = [name for name in by_token if not name.endswith(_BY_TOKEN)]
    if odd or not by_token or kept[-1] >= entries:
        what = f"has {odd[0]}, of which it is not known how to cut it" if odd else "has no embeddings of its tokens"
        raise ModelError("A vocabulary cannot be cut.", [Problem("vocabulary", what, "leave it out for this model")])
    return [some_rows(tensor, kept) if tensor.name in by_token else tensor for tensor in tensors]


def cut_config(config: Mapping[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """config.json with the new number of tokens and the new ids of special ones; ids that are gone are left out."""
    new = {old: i for i, old in enumerate(kept)}
    smaller: dict[str, Any] = {}
    for key, value in config.items():
        if key.endswith("_token_id"):
            if value is not None and (mapped := _mapped(value, new)) is not None:
                smaller[key] = mapped
        else:
            smaller[key] = value
    return {**smaller, "vocab_size": len(kept)}


def _mapped(value: Any, new: Mapping[int, int]) -> Any:
    if isinstance(value, list):
        return [new[index] for index in value if index in new] or None
    return new.get(value)


def _is_whole(pair: tuple[str, str], new: Mapping[str, int]) -> bool:
    return pair[0] in new and pair[1] in new and pair[0] + pair[1] in new


def _renumber(processor: Any, new: Mapping[str, int]) -> None:
    kind = processor and processor["type"]
    if kind == "Sequence":
        for part in processor["processors"]:
            _renumber(part, new)
    elif kind == "TemplateProcessing":
        for token in processor["special_tokens"].values():
            token["ids"] = [new[name] for name in token["tokens"]]
    elif kind in ("RobertaProcessing", "BertProcessing"):
        for side in ("sep", "cls"):
            processor[side] = [processor[side][0], new[processor[side][0]]]
    elif kind not in (None, "ByteLevel"):
        problem = Problem("vocabulary", f"cannot cut a tokenizer with {kind}", "leave it out for this model")
        raise ModelError("A vocabulary cannot be cut.", [problem])
