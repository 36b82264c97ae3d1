"""Chooses which pieces of a tokenizer to keep, so that listed words are cut as before and all else can be spelt."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Any

from deidrelease.errors import ModelError, Problem

# Below this stand all alphabets and most signs; above it, Chinese, Japanese and Korean.
_ALPHABETS_END = 0x2E80
_LATIN_END = 0x250
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_SPACE = "▁"
_AT_ONCE = 20_000


def kept_pieces(document: dict[str, Any], texts: Iterable[str], special: Iterable[str]) -> list[str]:
    """The pieces to keep, in the order of their ids.

    Args:
        document: A tokenizer, as in tokenizer.json.
        texts: Public ones; they are cut into the same pieces afterwards as before.
        special: Tokens that the model needs in any case.

    Raises:
        ModelError: The tokenizer is neither a BPE nor a Unigram one.
    """
    ids = ids_of(document)
    added = {token["content"] for token in document["added_tokens"]}
    kept = {piece for piece in ids if piece not in added and _is_spelling(piece)}
    kept |= {token for token in added if not token.strip()}
    kept |= set(special) & ids.keys()
    kept |= _used(document, texts)
    if document["model"]["type"] == "BPE":
        kept = _with_parts(kept, document["model"]["merges"])
    return sorted(kept & ids.keys(), key=ids.__getitem__)


def ids_of(document: dict[str, Any]) -> dict[str, int]:
    """Every piece and added token with its id.

    Raises:
        ModelError: The tokenizer is neither a BPE nor a Unigram one.
    """
    model = document["model"]
    if model["type"] == "BPE":
        ids = dict(model["vocab"])
    elif model["type"] == "Unigram":
        ids = {piece: i for i, (piece, _) in enumerate(model["vocab"])}
    else:
        problem = Problem("vocabulary", f"cannot cut a {model['type']} tokenizer", "leave it out for this model")
        raise ModelError("A vocabulary cannot be cut.", [problem])
    return ids | {token["content"]: token["id"] for token in document["added_tokens"]}


def _is_spelling(piece: str) -> bool:
    """Whether unlisted words, numbers and signs may need it: bytes, single characters, and what has no letters."""
    bare = piece.removeprefix(_SPACE)
    if len(bare) <= 1:
        return all(ord(character) < _ALPHABETS_END for character in bare)
    return _BYTE.fullmatch(piece) is not None or all(
        not character.isalpha() and (ord(character) < _LATIN_END or character == _SPACE) for character in bare
    )


def _used(document: dict[str, Any], texts: Iterable[str]) -> set[str]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(document))
    used: set[str] = set()
    for group in _groups(texts):
        for encoding in tokenizer.encode_batch(group, add_special_tokens=False):
            used.update(encoding.tokens)
    return used


def _groups(texts: Iterable[str]) -> Iterator[list[str]]:
    stream = iter(texts)
    while group := list(islice(stream, _AT_ONCE)):
        yield group


def _with_parts(kept: set[str], merges: list[Any]) -> set[str]:
    """Adds the pieces out of which a BPE builds the kept ones, by the merges that it would really make."""
    ranks = {pair: rank for rank, pair in enumerate(map(as_pair, merges))}
    return kept.union(*(_parts(piece, ranks) for piece in kept))


def _parts(piece: str, ranks: dict[tuple[str, str], int]) -> set[str]:
    symbols = list(piece)
    made = set(symbols)
    while len(symbols) > 1:
        rank, at = min((ranks.get(pair, len(ranks)), i) for i, pair in enumerate(pairwise(symbols)))
        if rank == len(ranks):
            break
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        made.add(symbols[at])
    return made


def as_pair(merge: Any) -> tuple[str, str]:
    """A merge as tokenizer.json holds it, in either of the two ways in use."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
