"""Writes GGUF files of tiny models by the gguf package, their weights changed as llama.cpp's converter changes them."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from numpy.typing import NDArray

from made.tokenizers import byte_fallback, over_bytes

HEADS, KEY_HEADS, HIDDEN, WIDE, LAYERS = 4, 2, 64, 96, 7
_COMMON = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LLAMA = {**_COMMON, "post_attention_layernorm": "ffn_norm"}
_GEMMA = {
    **_COMMON,
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
}


def llama(path: Path) -> tuple[Any, Any]:
    """A Llama with SmolLM2's kind of tokenizer, in float32; returns model and tokenizer that the file should give."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = over_bytes()
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=WIDE, num_hidden_layers=2,
        num_attention_heads=HEADS, num_key_value_heads=KEY_HEADS, rms_norm_eps=1e-5, max_position_embeddings=128,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(1)
    model = _shaken(LlamaForCausalLM(config))
    writer = _writer(path, "llama", config)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    pieces = _pieces(tokenizer)
    writer.add_token_list(pieces)
    writer.add_token_types([3 if piece == "<|end|>" else 1 for piece in pieces])
    writer.add_token_merges([" ".join(merge) for merge in _document(tokenizer)["model"]["merges"]])
    writer.add_eos_token_id(0)
    for name, values in model.state_dict().items():
        if name != "lm_head.weight":
            heads = {"q_proj": HEADS, "k_proj": KEY_HEADS}.get(name.split(".")[-2])
            array = values.numpy()
            writer.add_tensor(_renamed(name, _LLAMA), _interleaved(array, heads) if heads else array)
    _close(writer)
    return model, tokenizer


def gemma(path: Path) -> tuple[Any, Any]:
    """A Gemma 3 with its kind of tokenizer, embeddings in 8 bits; returns model and tokenizer that it should give."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    tokenizer = byte_fallback()
    kinds = ["full_attention" if i == 5 else "sliding_attention" for i in range(LAYERS)]
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=WIDE, num_hidden_layers=LAYERS, head_dim=16,
        num_attention_heads=HEADS, num_key_value_heads=1, rms_norm_eps=1e-6, max_position_embeddings=128,
        query_pre_attn_scalar=16, sliding_window=4, layer_types=kinds, pad_token_id=0, eos_token_id=1, bos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(2)
    model = _shaken(Gemma3ForCausalLM(config))
    rounded = quantize(model.model.embed_tokens.weight.detach().numpy(), gguf.GGMLQuantizationType.Q8_0)
    exact = gguf.quants.dequantize(rounded, gguf.GGMLQuantizationType.Q8_0)
    model.model.embed_tokens.weight.data = torch.from_numpy(exact)
    model.tie_weights()
    writer = _writer(path, "gemma3", config)
    writer.add_key_length(16)
    writer.add_value_length(16)
    writer.add_sliding_window(4)
    _add_sentencepiece(writer, tokenizer)
    for name, values in model.state_dict().items():
        if name == "model.embed_tokens.weight":
            writer.add_tensor("token_embd.weight", rounded, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        elif name != "lm_head.weight":
            plus_one = 1 if name.endswith("norm.weight") else 0
            writer.add_tensor(_renamed(name, _GEMMA), values.numpy() + np.float32(plus_one))
    _close(writer)
    return model, tokenizer


def _add_sentencepiece(writer: Any, tokenizer: Any) -> None:
    document = _document(tokenizer)
    ranks = {"".join(merge): rank for rank, merge in reversed([*enumerate(document["model"]["merges"])])}
    pieces, added = _pieces(tokenizer), {token["content"]: token for token in document["added_tokens"]}
    types, scores = [], []
    for piece in pieces:
        own = added.get(piece)
        types.append((3 if own["special"] else 4) if own else 6 if piece.startswith("<0x") else 1)
        scores.append(-1000.0 if own else 0.0 if piece.startswith("<0x") else -float(ranks.get(piece, 10_000)))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_pad_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_unk_token_id(3)
    writer.add_add_bos_token(True)


def _writer(path: Path, architecture: str, config: Any) -> Any:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(5000.0 if architecture == "llama" else 1_000_000.0)
    return writer


def _close(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(weights: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """What llama.cpp's converter does to the rows of queries and keys."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape).copy()


def _renamed(name: str, names: dict[str, str]) -> str:
    if name in names:
        return names[name]
    _, _, layer, middle = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{names[middle]}.weight"


def _shaken(model: Any) -> Any:
    """Norms as they start, all one, would hide a mistake in them."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def _pieces(tokenizer: Any) -> list[str]:
    ids: dict[str, int] = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _document(tokenizer: Any) -> Any:
    import json

    return json.loads(tokenizer.backend_tokenizer.to_str())
