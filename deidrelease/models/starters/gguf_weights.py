"""Reads the weights of a GGUF file (llama.cpp) and names them as transformers does, for Llama and Gemma 3.

Dequantising goes through the gguf package, a block of rows at a time; names, shapes and the two changes that llama.cpp
makes to weights (Llama's interleaved rotary halves, Gemma's norms plus one) are undone here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.weights import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 4096
_LLAMA = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GEMMA3 = {
    **_LLAMA,
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A GGUF file, its tensors still on disk.

    Attributes:
        architecture: `llama` or `gemma3`.
        reader: Of the gguf package.
    """

    architecture: str
    reader: Any

    def value(self, key: str, default: Any = None) -> Any:
        """What stands under `key`; `{arch}` in it stands for the architecture."""
        field = self.reader.fields.get(key.format(arch=self.architecture))
        return default if field is None else field.contents()


def open_gguf(path: Path) -> GgufFile:
    """Opens a GGUF file.

    Raises:
        ModelError: The file is none, or its architecture is another.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(path)
        architecture = reader.fields["general.architecture"].contents()
    except (ValueError, KeyError, IndexError, OverflowError, UnicodeDecodeError) as error:
        problem = Problem(path.name, f"is no GGUF file ({type(error).__name__})", "fetch the model again")
        raise ModelError("A model file cannot be read.", [problem]) from None
    if architecture not in ("llama", "gemma3"):
        problem = Problem(path.name, f"has the architecture {architecture}", "only llama and gemma3 are known")
        raise ModelError("A model file cannot be converted.", [problem])
    return GgufFile(architecture, reader)


def config_of(file: GgufFile) -> dict[str, Any]:
    """The config.json that transformers wants."""
    config = {
        "hidden_size": file.value("{arch}.embedding_length"),
        "intermediate_size": file.value("{arch}.feed_forward_length"),
        "num_hidden_layers": file.value("{arch}.block_count"),
        "num_attention_heads": file.value("{arch}.attention.head_count"),
        "num_key_value_heads": file.value("{arch}.attention.head_count_kv"),
        "max_position_embeddings": file.value("{arch}.context_length"),
        "rms_norm_eps": round(file.value("{arch}.attention.layer_norm_rms_epsilon"), 9),
        "vocab_size": len(file.reader.fields["tokenizer.ggml.tokens"].data),
        "bos_token_id": file.value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": file.value("tokenizer.ggml.eos_token_id"),
        "pad_token_id": file.value("tokenizer.ggml.padding_token_id"),
        "tie_word_embeddings": not any(tensor.name == "output.weight" for tensor in file.reader.tensors),
        "dtype": "float32",
    }
    return {**config, **(_gemma3(file) if file.architecture == "gemma3" else _llama(file))}


def _llama(file: GgufFile) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "rope_parameters": {"rope_type": "default", "rope_theta": file.value("llama.rope.freq_base", 10000.0)},
    }


def _gemma3(file: GgufFile) -> dict[str, Any]:
    layers, head = file.value("gemma3.block_count"), file.value("gemma3.attention.key_length")
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "hidden_activation": "gelu_pytorch_tanh",
        "head_dim": head,
        "query_pre_attn_scalar": head,
        "sliding_window": file.value("gemma3.attention.sliding_window"),
        # Gemma 3: five layers that look nearby, then one that sees all; the near ones turn at their own base.
        "layer_types": ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)],
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": file.value("gemma3.rope.freq_base", 1e6)},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    }


def tensors_of(file: GgufFile) -> list[Tensor]:
    """The tensors under the names of transformers.

    Raises:
        ModelError: The file holds a tensor that the architecture does not have.
    """
    return [_tensor(file, tensor) for tensor in file.reader.tensors]


def _tensor(file: GgufFile, stored: Any) -> Tensor:
    shape = tuple(int(size) for size in reversed(stored.shape))
    mend = _mended(file, stored.name)
    return Tensor(_name(file, stored.name), shape, lambda: map(mend, _blocks(stored, mend is not _same)))


def _name(file: GgufFile, name: str) -> str:
    names = _GEMMA3 if file.architecture == "gemma3" else _LLAMA
    if name in names:
        return names[name]
    parts = name.split(".")
    if len(parts) == 4 and parts[0] == "blk" and parts[2] in names and parts[3] == "weight":
        return f"model.layers.{parts[1]}.{names[parts[2]]}.weight"
    problem = Problem(name, f"is no tensor of {file.architecture}", "this file cannot be converted")
    raise ModelError("A model file cannot be converted.", [problem])


def _blocks(stored: Any, whole: bool) -> "Iterator[NDArray[np.float32]]":
    from gguf.quants import dequantize

    at_once = len(stored.data) if whole else _ROWS_AT_ONCE
    for start in range(0, len(stored.data), at_once):
        yield dequantize(stored.data[start : start + at_once], stored.tensor_type)


def _mended(file: GgufFile, name: str) -> "Callable[[NDArray[np.float32]], NDArray[np.float32]]":
    if file.architecture == "gemma3" and name.endswith("norm.weight"):
        return lambda block: block - 1
    if file.architecture == "llama" and ".attn_q." in name:
        return lambda block: _halves_apart(block, file.value("llama.attention.head_count"))
    if file.architecture == "llama" and ".attn_k." in name:
        return lambda block: _halves_apart(block, file.value("llama.attention.head_count_kv"))
    return _same


def _same(block: "NDArray[np.float32]") -> "NDArray[np.float32]":
    return block


def _halves_apart(block: "NDArray[np.float32]", heads: int) -> "NDArray[np.float32]":
    """Rows of each head from pairs (0, half, 1, half + 1 …), as llama.cpp has them, back to halves in a row."""
    pairs = block.reshape(heads, len(block) // heads // 2, 2, -1)
    return pairs.swapaxes(1, 2).reshape(block.shape)
