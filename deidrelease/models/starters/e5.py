"""Turns an e5 pack into a folder that transformers loads: a BERT with the tokenizer of XLM-RoBERTa."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from deidrelease.models.starters.e5_pack import Pieces, Sizes, read_pack, tensors_of
from deidrelease.models.weights import write_weights
from deidrelease.progress import step


def convert_e5(source: Path, out: Path) -> None:
    """Writes config, weights and tokenizer of the pack `source` into `out`.

    Raises:
        ModelError: The pack is damaged.
    """
    pack = read_pack(source)
    tensors = tensors_of(pack)
    config = _config(pack.sizes, pack.pieces)
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    total = sum(tensor.length for tensor in tensors)
    with step("writing weights", total) as shown:
        write_weights(out / "model.safetensors", tensors, shown.advance)
    _tokenizer(pack.pieces, pack.sizes.positions).save_pretrained(out)


def _config(size: Sizes, pieces: Pieces) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": size.hidden,
        "intermediate_size": size.feed_forward,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "vocab_size": size.vocabulary,
        "max_position_embeddings": size.positions,
        "type_vocab_size": size.token_types,
        "layer_norm_eps": size.epsilon,
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "bos_token_id": pieces.bos,
        "eos_token_id": pieces.eos,
        "pad_token_id": pieces.pad,
        "dtype": "float32",
    }


def _tokenizer(pieces: Pieces, longest: int) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(list(pieces.pieces), unk_id=pieces.unk))
    tokenizer.normalizer = _normalizer(pieces.replaced)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos, pad, unk = (pieces.pieces[i][0] for i in (pieces.bos, pieces.eos, pieces.pad, pieces.unk))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, pieces.bos), (eos, pieces.eos)],
    )
    special = {"bos_token": bos, "cls_token": bos, "eos_token": eos, "sep_token": eos, "pad_token": pad}
    if any(piece == "<mask>" for piece, _ in pieces.pieces):
        special["mask_token"] = "<mask>"  # noqa: S105
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in dict.fromkeys([*special.values(), unk])])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=unk,
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
        padding_side="right",
        **special,
    )


def _normalizer(replaced: dict[str, str]) -> Any:
    """NFKC, after the few code points for which the model learnt something else, and one space for many.

    The map of the pack is NFKC but for these: control characters vanish, line ends and the like become spaces.
    """
    from tokenizers import Regex, normalizers

    by_target: dict[str, list[str]] = {}
    for character, target in replaced.items():
        if unicodedata.normalize("NFKC", character) != target:
            by_target.setdefault(target, []).append(character)
    first = [
        normalizers.Replace(Regex("[" + "".join(map(_escaped, characters)) + "]"), target)
        for target, characters in sorted(by_target.items())
    ]
    return normalizers.Sequence([*first, normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])


def _escaped(character: str) -> str:
    return f"\\x{{{ord(character):X}}}" if not character.isalnum() else re.escape(character)
