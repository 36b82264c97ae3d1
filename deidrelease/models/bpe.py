"""A byte-level BPE trained on the notes at hand, for the models that start from nothing.

Bytes leave no character unknown and line ends are tokens, which clinical forms need. Digits stand alone, so that a
number the model has never seen still looks like a number.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_WORDS = r" ?\p{L}\p{M}*(?:\p{L}\p{M}*)*|\p{N}|\n| ?[^\s\p{L}\p{N}]|\s"


def train_bpe(texts: Iterable[str], vocabulary: int, *, causal: bool) -> "PreTrainedTokenizerFast":
    """Trains a tokenizer of `vocabulary` entries on `texts`.

    Args:
        texts: Read once.
        vocabulary: Entries in all; small corpora may give fewer.
        causal: Special tokens of a language model (`<s>`, `</s>`, none added by itself), else those of an encoder
            (`[CLS] … [SEP]`, added to every text).
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "<s>", "</s>"] if causal else ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=3,  # a piece that occurs once or twice is a name or a number: spelling it out generalises
        special_tokens=names,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if causal:
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", padding_side="right"
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        mask_token="[MASK]",
    )
