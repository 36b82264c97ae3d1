"""Tiny pretrained models in folders, random as they are made, each with a tokenizer of public text."""

from collections.abc import Iterable
from pathlib import Path

import torch

from deidrelease.models.bpe import train_bpe


def causal_folder(folder: Path, texts: Iterable[str], vocabulary: int = 400) -> Path:
    """Saves a GPT-2 of two layers that has opinions: an untrained one scores all tokens nearly alike."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = train_bpe(texts, vocabulary, causal=True)
    torch.manual_seed(3)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=256, bos_token_id=1, eos_token_id=2,
        pad_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(12)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def encoder_folder(folder: Path, texts: Iterable[str], vocabulary: int = 400) -> Path:
    """Saves a BERT of two layers."""
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = train_bpe(texts, vocabulary, causal=False)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
