"""From a language model to a corpus of synthetic notes: how many, how long, which are kept, what a kill leaves."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deidrelease import progress
from deidrelease.errors import ModelError, Problem
from deidrelease.formats.mending import CONTROLS
from deidrelease.models.causal.choosing import Choosing
from deidrelease.models.causal.finished_texts import FinishedTexts
from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.causal.sampling import Sampler
from deidrelease.models.causal.sieve import Counts, Sieve
from deidrelease.models.causal.structure import Structure
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.settings import GenerateSettings


@dataclass(frozen=True, slots=True)
class Generation:
    """The notes that were kept, read from the checkpoint as they are asked for, and the counts."""

    counts: Counts
    _finished: FinishedTexts
    _kept: frozenset[int]

    def notes(self) -> Iterator[Note]:
        """The notes in the order of their indices; each is a patient of its own and belongs to nobody."""
        for index in sorted(self._kept):
            text, ending, _ = self._finished.read(index)
            text = CONTROLS.sub(" ", text)
            name = f"synthetic-{index:07d}"
            yield Note(name, name, text, (), {"ending": ending})


@dataclass(frozen=True, slots=True)
class Plan:
    """What the training notes say about the synthetic ones: how many, how long, how they begin, what form they have."""

    wanted: int
    cap: int
    prompts: tuple[tuple[int, ...], ...]
    structure: Structure | None


def plan(language_model: LanguageModel, settings: GenerateSettings, train: Iterable[Note]) -> Plan:
    """Reads the training notes, which have to be there again for a second look.

    Raises:
        ModelError: There are none, or they have no structure where one is asked for.
    """
    import numpy as np

    lengths, prompts = [], []
    for note in train:
        lengths.append(len(language_model.token_ids(note.text)))
        if settings.prompt_words:
            words = first_words(note.text, settings.prompt_words)
            prompts.append(tuple(language_model.token_ids(words)))
    if not lengths:
        raise ModelError("There is nothing to generate from.", [Problem("split/train.jsonl", "is empty", "add notes")])
    limit = getattr(language_model.plain.config, "max_position_embeddings", None) or 1 << 30
    cap = min(int(np.quantile(lengths, settings.length_quantile, method="higher")) + 1, limit - 1)
    wanted = settings.count or max(1, round(settings.multiple * len(lengths)))
    return Plan(wanted, cap, tuple(prompts), Structure.of(train) if settings.structure else None)


def sampling_place(place: Place, model: Any, columns: int) -> Place:
    """In float32 where a CPU reads more of the cache for a token than of the model.

    A CPU multiplies bfloat16 faster and looks through a cache of it slower. Measured with AVX512-BF16 and torch 2.13:
    Gemma 3 270m 1.4 x as fast as float32 with a cache of a third of its weights, the same at equality; .5 x with a
    cache of many times the weights of a model made from nothing.

    Args:
        place: Where the model was put.
        model: Of transformers.
        columns: Tokens that the cache holds at most, over all rows.
    """
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    if place.device != "cpu" or heads is None:
        return place
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    held = 2 * config.num_hidden_layers * (getattr(config, "num_key_value_heads", None) or heads) * width
    return replace(place, bf16=place.bf16 and held * columns <= model.num_parameters())


def first_words(text: str, count: int) -> str:
    """The beginning of `text` up to the end of its `count`-th word, white space as it is."""
    end = 0
    for _ in range(count):
        while end < len(text) and text[end].isspace():
            end += 1
        while end < len(text) and not text[end].isspace():
            end += 1
    return text[:end]


def generate(
    language_model: LanguageModel,
    settings: GenerateSettings,
    train: Iterable[Note],
    place: Place,
    seed: int,
    checkpoint: Path,
) -> Generation:
    """Samples until enough notes are kept; texts that a killed attempt finished are not sampled again.

    Which texts are kept depends on their indices alone, not on which of them finished first.

    Raises:
        ModelError: Too many samples were dropped; the model or the filters need a look.
    """
    work = plan(language_model, settings, train)
    choosing = Choosing(settings.temperature, settings.top_k, settings.top_p, settings.repetition_penalty)
    model, rows = language_model.plain, min(settings.batch_size, work.wanted)
    place = sampling_place(place, model, rows * work.cap)
    sampler = Sampler(model, place, language_model.opening, language_model.closing, choosing, work.cap, rows, seed)
    with FinishedTexts.open(checkpoint / "texts.jsonl") as finished:
        limit = max(work.wanted, round(work.wanted * settings.attempts))
        sieve = Sieve(settings, finished, limit, work.structure)
        sieve.take_up(work.wanted)
        with progress.step("sampling notes", work.wanted, len(sieve.kept)) as step:
            while len(sieve.kept) < work.wanted:
                if sieve.exhausted:
                    _give_up(sieve, work)
                _sample_round(sampler, sieve, finished, language_model, work, seed, step)
        return Generation(sieve.counts(work.wanted, work.cap), finished, frozenset(sieve.kept))


def _sample_round(
    sampler: Sampler,
    sieve: Sieve,
    finished: FinishedTexts,
    language_model: LanguageModel,
    work: Plan,
    seed: int,
    step: progress.Step,
) -> None:
    queue = _Queue(sieve, finished, work.wanted)
    for sampled in sampler.sample(queue.next_index, _prompter(work.prompts, seed)):
        finished.add(sampled, decode(language_model.tokenizer, sampled.tokens, sampled.ending))
        before = len(sieve.kept)
        sieve.take_up(work.wanted)
        step.advance(len(sieve.kept) - before)
        if sieve.exhausted and len(sieve.kept) < work.wanted:
            _give_up(sieve, work)


def _give_up(sieve: Sieve, work: Plan) -> None:
    counts = sieve.counts(work.wanted, work.cap)
    what = (
        f"of {counts.sampled} samples {counts.kept} were kept "
        f"({counts.looped} looped, {counts.duplicates} duplicates, {counts.truncated} truncated, {counts.empty} empty, "
        f"{counts.unstructured} without the structure)"
    )
    remedy = "adapt longer, raise generate.temperature or repetition_penalty, or loosen generate's filters"
    raise ModelError("The language model gives too few usable notes.", [Problem("generate", what, remedy)])


def decode(tokenizer: Any, tokens: Sequence[int], ending: str) -> str:
    """The text of `tokens`; a truncated one loses the half character that it may end in."""
    text: str = tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.rstrip("\ufffd") if ending != "closed" else text


def _prompter(prompts: Sequence[Sequence[int]], seed: int) -> Callable[[int], Sequence[int]]:
    import numpy as np

    def prompt(index: int) -> Sequence[int]:
        if not prompts:
            return ()
        # The third number keeps this stream apart from the one that draws the text's tokens.
        return prompts[int(np.random.default_rng([seed, index, 1]).integers(len(prompts)))]

    return prompt


class _Queue:
    """Hands out indices that are not finished yet, as far ahead as could still be needed."""

    def __init__(self, sieve: Sieve, finished: FinishedTexts, wanted: int) -> None:
        self._sieve, self._finished, self._wanted = sieve, finished, wanted
        self._next = sieve.sampled

    def next_index(self) -> int | None:
        dropped = self._sieve.sampled - len(self._sieve.kept)
        while self._next in self._finished:
            self._next += 1
        if self._next >= self._wanted + dropped:
            return None
        self._next += 1
        return self._next - 1
