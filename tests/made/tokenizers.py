"""Tokenizers of the kinds that are cut, trained on a few sentences."""

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SENTENCES = [
    "The patient was admitted to hospital with a fever and a cough, and was sent home after three days.",
    "El paciente ingresó en el hospital con fiebre y tos, y fue dado de alta a los tres días.",
    "Nombre: José. Apellidos: Pérez. Fecha: 12/03/2019. Teléfono: 600 123 456.",
    "La paciente acude a la consulta de su médico por dolor abdominal de varios días de evolución.",
] * 5
WORDS = ["the", "paciente", "hospital", "fever", "dolor", "consulta", "días", "médico", "after"]


def byte_fallback(size: int = 400) -> PreTrainedTokenizerFast:
    """Like Gemma's: spaces are ▁, unknown characters are bytes, runs of line ends are tokens of their own."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # in training only: pieces are of one word
    trained.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    learnt = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    own = ["<pad>", "<eos>", "<bos>", "<unk>", "<unused0>", "\n\n", "  "]
    pieces = [*own, *(f"<0x{byte:02X}>" for byte in range(256)), *learnt]
    merges = [tuple(merge) for merge in _model(trained)["merges"]]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in own[:5]])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in own[5:]])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )


def over_bytes(size: int = 500) -> PreTrainedTokenizerFast:
    """Like GPT-2's and SmolLM2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def unigram(size: int = 300) -> PreTrainedTokenizerFast:
    """Like XLM-RoBERTa's, framed by <s> and </s>."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )


def _model(tokenizer: Any) -> Any:
    import json

    return json.loads(tokenizer.to_str())["model"]
