"""Turns a GGUF file into a folder that transformers loads, in full precision."""

import json
from pathlib import Path

from deidrelease.models.starters.gguf_tokenizer import tokenizer_of
from deidrelease.models.starters.gguf_weights import config_of, open_gguf, tensors_of
from deidrelease.models.weights import write_weights
from deidrelease.progress import step


def convert_gguf(source: Path, out: Path) -> None:
    """Writes config, weights and tokenizer of `source` into `out`.

    Raises:
        ModelError: The file is damaged or of a kind that is not known.
    """
    with step("reading the archive's model"):
        file = open_gguf(source)
    (out / "config.json").write_text(json.dumps(config_of(file), indent=1) + "\n", encoding="utf-8")
    tensors = tensors_of(file)
    with step("writing weights", sum(tensor.length for tensor in tensors)) as shown:
        write_weights(out / "model.safetensors", tensors, shown.advance)
    with step("rebuilding the tokenizer"):
        tokenizer_of(file).save_pretrained(out)
