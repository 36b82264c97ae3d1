"""Tokens a second of finished texts: deidrelease's sampler and transformers' `generate`, same model, same lengths.

Both draw `--texts` texts of at most `--length` tokens from the opening token alone, with `--rows` texts at once. Only
tokens that stand in a text are counted: what `generate` computes for a row behind its end-of-text token, until the
longest row of its batch ends, is not. `generate` runs twice: as plain top-p (`top_k=0`: its silent default would be
50), and with deidrelease's own top-k in front of top-p. With random weights an end comes by chance only, so most
texts are as long as `--length`; `--model` takes a folder made by `deidrelease run` (`adapt/model`), or any Hugging
Face folder, whose texts end as notes do.
"""

import argparse
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds import interleave, show

from deidrelease.models.loading import go_offline
from deidrelease.settings import ComputeSettings

if TYPE_CHECKING:
    from deidrelease.models.devices import Place


def main() -> None:
    """Measures and prints."""
    options = _options()
    go_offline(download=False)
    from deidrelease.models.devices import find_place

    place = find_place(ComputeSettings(threads=options.threads, device=options.device))
    makers = {"large": _gemma, "small": _llama}
    for name in [options.model] if options.model else options.vocabulary.split(","):
        model, opening, closing = _loaded(name, place) if options.model else makers[name](options, place)
        _measure(options, place, model, opening, closing)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="folder of a causal model; random weights without it")
    parser.add_argument("--vocabulary", default="large,small", help="large (262,144, Gemma 3), small (4,000, Llama)")
    parser.add_argument("--layers", type=int, default=18, help="of the large model (18, as Gemma 3 270m)")
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--length", type=int, default=96, help="most tokens of a text (96)")
    parser.add_argument("--rows", type=int, default=8, help="texts at once, for both (8)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--top-k", type=int, default=256, help="of deidrelease (256)")
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    return parser.parse_args()


def _gemma(options: argparse.Namespace, place: "Place") -> tuple[Any, int, int]:
    """Gemma 3 270m but for its weights."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=262_144,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=options.layers,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        query_pre_attn_scalar=256,
        sliding_window=512,
        max_position_embeddings=32_768,
    )
    return Gemma3ForCausalLM(config).to(place.device).eval(), 2, 1


def _llama(options: argparse.Namespace, place: "Place") -> tuple[Any, int, int]:  # noqa: ARG001
    """What `adapt.model: scratch` makes, but for its weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=4000,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).to(place.device).eval(), 1, 2


def _loaded(folder: str, place: "Place") -> tuple[Any, int, int]:
    if (Path(folder) / "base.json").exists():
        from deidrelease.models.causal.language_model import load_language_model

        adapted = load_language_model(Path(folder), place, download=False)
        return adapted.plain, adapted.opening, adapted.closing
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    opening = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    model = AutoModelForCausalLM.from_pretrained(folder).to(place.device).eval()
    return model, opening, tokenizer.eos_token_id


def _measure(options: argparse.Namespace, place: "Place", model: Any, opening: int, closing: int) -> None:
    lengths: dict[str, list[int]] = {}
    seeds = count()

    def counted(name: str, draw: Callable[[int], list[int]]) -> Callable[[], float]:
        def work() -> float:
            drawn = draw(next(seeds))
            lengths.setdefault(name, []).extend(drawn)
            return float(sum(drawn))

        return work

    contenders = {
        "deidrelease": lambda seed: _sampled(options, place, model, opening, closing, seed),
        "generate, top-p": lambda seed: _generated(options, model, opening, closing, 0, seed),
        f"generate, top-k {options.top_k}, top-p": lambda seed: _generated(
            options, model, opening, closing, options.top_k, seed
        ),
    }
    short = argparse.Namespace(**{**vars(options), "texts": options.rows, "length": 4})
    _sampled(short, place, model, opening, closing, 0)
    _generated(short, model, opening, closing, 0, 0)
    rates = interleave({name: counted(name, draw) for name, draw in contenders.items()}, options.rounds)
    means = {name: f"{sum(drawn) / len(drawn):.1f}" for name, drawn in lengths.items()}
    size = model.get_input_embeddings().num_embeddings
    title = (
        f"{type(model).__name__}, {size:,} entries: {options.texts} texts of at most {options.length} tokens, "
        f"{options.rows} at once, {options.rounds} rounds, {place.device}"
    )
    show(title, rates, "tokens/s", {"mean length": means})


def _sampled(
    options: argparse.Namespace, place: "Place", model: Any, opening: int, closing: int, seed: int
) -> list[int]:
    from deidrelease.models.causal.choosing import Choosing
    from deidrelease.models.causal.sampling import Sampler

    choosing = Choosing(1.0, options.top_k, options.top_p, 1.0)
    sampler = Sampler(model, place, opening, closing, choosing, options.length, options.rows, seed)
    indices = iter(range(options.texts))
    drawn = sampler.sample(lambda: next(indices, None), lambda _: ())
    return [len(sampled.tokens) for sampled in drawn]


def _generated(options: argparse.Namespace, model: Any, opening: int, closing: int, top_k: int, seed: int) -> list[int]:
    import torch

    torch.manual_seed(seed)
    lengths = []
    for first in range(0, options.texts, options.rows):
        prompts = torch.full((min(options.rows, options.texts - first), 1), opening, device=model.device)
        with torch.inference_mode():
            rows = model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                do_sample=True,
                temperature=1.0,
                top_p=options.top_p,
                top_k=top_k,
                max_new_tokens=options.length,
                eos_token_id=closing,
                pad_token_id=closing,
            )
        drawn = rows[:, 1:].tolist()
        lengths += [row.index(closing) if closing in row else len(row) for row in drawn]
    return lengths


if __name__ == "__main__":
    main()
