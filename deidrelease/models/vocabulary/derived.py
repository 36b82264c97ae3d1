"""Makes a copy of a model with a smaller vocabulary, once, in the cache."""

import json
from pathlib import Path
from typing import Any

from deidrelease.artifacts import canonical_json, sha256_text
from deidrelease.errors import ModelError, Problem
from deidrelease.models.cache import cache_folder, check_files, holding, making
from deidrelease.models.vocabulary.choosing import kept_pieces
from deidrelease.models.vocabulary.surgery import cut_config, cut_tensors, cut_tokenizer
from deidrelease.models.vocabulary.words import forms, problem_with, public_words, source_of_words
from deidrelease.models.weights import Tensor, read_tensors, write_weights
from deidrelease.progress import step
from deidrelease.settings import PublicVocabulary

MANIFEST = "derived.json"
# Raise it when the same cut would give other pieces.
_CUT = 1


def with_vocabulary(folder: Path, identity: str, vocabulary: PublicVocabulary) -> Path:
    """The folder of a copy of the model in `folder` that knows only what public word lists need.

    Made once in the cache, and checked at every use; two processes that want it wait for each other.

    Args:
        folder: Of the whole model: config, safetensors, fast tokenizer.
        identity: What stands for its weights.
        vocabulary: What to keep.

    Raises:
        ModelError: The lists are missing, or the model's vocabulary cannot be cut.
    """
    if problem := problem_with(vocabulary, "vocabulary"):
        raise ModelError("A vocabulary cannot be cut.", [problem])
    facts = {
        "base": identity,
        "vocabulary": vocabulary.model_dump(mode="json"),
        "words": source_of_words(),
        "cut": _CUT,
    }
    derived = cache_folder() / "derived" / sha256_text(canonical_json(facts))[:32]
    if not (derived / MANIFEST).is_file():  # a cache that is there already may be read-only
        with holding(derived):
            if not (derived / MANIFEST).is_file():
                with making(derived, MANIFEST, facts) as partial:
                    _cut(folder, vocabulary, partial)
    check_files(derived, MANIFEST, facts, f"delete {derived}; it is made anew at the next use")
    return derived


def _cut(folder: Path, vocabulary: PublicVocabulary, out: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    with step("cutting the vocabulary"):
        whole = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        document = json.loads(whole.backend_tokenizer.to_str())
        kept = kept_pieces(document, forms(public_words(vocabulary)), whole.all_special_tokens)
        smaller, old_ids = cut_tokenizer(document, kept)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tensors = cut_tensors(_tensors(folder), config["vocab_size"], old_ids)
    with step("writing weights", sum(tensor.length for tensor in tensors)) as shown:
        write_weights(out / "model.safetensors", tensors, shown.advance)
    (out / "config.json").write_text(json.dumps(cut_config(config, old_ids), indent=1) + "\n", encoding="utf-8")
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(smaller)),
        model_max_length=whole.model_max_length,
        clean_up_tokenization_spaces=False,
        padding_side=whole.padding_side,
        **_special(whole),
    ).save_pretrained(out)


def _special(tokenizer: Any) -> dict[str, Any]:
    roles = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
    named = {f"{role}_token": getattr(tokenizer, f"{role}_token") for role in roles}
    return {name: token for name, token in named.items() if token is not None}


def _tensors(folder: Path) -> list[Tensor]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        problem = Problem(str(folder), "lacks weights (*.safetensors)", "save the model with save_pretrained")
        raise ModelError("A vocabulary cannot be cut.", [problem])
    return [tensor for file in files for tensor in read_tensors(file)]
