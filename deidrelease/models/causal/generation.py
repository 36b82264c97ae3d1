"""From a language model to a corpus of synthetic notes: how many, how long, which are kept, what a kill leaves."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from deidrelease import progress
from deidrelease.errors import ModelError, Problem
from deidrelease.formats.mending import CONTROLS
from deidrelease.models.causal.choosing import Choosing
from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.causal.sampling import Sampled, Sampler
from deidrelease.models.causal.structure import Structure
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.settings import GenerateSettings


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the samples.

    Attributes:
        wanted: Notes asked for.
        sampled: Texts looked at, in the order of their indices, until enough were kept.
        kept: Notes in the result.
        looped: Dropped as repeating themselves.
        duplicates: Dropped as equal to an earlier one.
        truncated: Reached the cap unfinished, whether kept or dropped.
        empty: Dropped as blank.
        mended: Held control characters, which no corpus may; each gave way to a space.
        unstructured: Dropped as lacking the training notes' structure.
        cap: Most tokens a note could have.
        tokens: Of the texts looked at, prompts included.
    """

    wanted: int
    sampled: int
    kept: int
    looped: int
    duplicates: int
    truncated: int
    empty: int
    mended: int
    unstructured: int
    cap: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Generation:
    """The notes that were kept, read from the checkpoint as they are asked for, and the counts."""

    counts: Counts
    _checkpoint: "_Checkpoint"
    _kept: frozenset[int]

    def notes(self) -> Iterator[Note]:
        """The notes in the order of their indices; each is a patient of its own and belongs to nobody."""
        for index in sorted(self._kept):
            text, ending, _ = self._checkpoint.read(index)
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
    with _Checkpoint.open(checkpoint / "texts.jsonl") as finished:
        limit = max(work.wanted, round(work.wanted * settings.attempts))
        sieve = _Sieve(settings, finished, limit, work.structure)
        sieve.take_up(work.wanted)
        with progress.step("sampling notes", work.wanted, len(sieve.kept)) as step:
            while len(sieve.kept) < work.wanted:
                if sieve.exhausted:
                    _give_up(sieve, work)
                _sample_round(sampler, sieve, finished, language_model, work, seed, step)
        return Generation(sieve.counts(work), finished, frozenset(sieve.kept))


def _sample_round(
    sampler: Sampler,
    sieve: "_Sieve",
    finished: "_Checkpoint",
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


def _give_up(sieve: "_Sieve", work: Plan) -> None:
    counts = sieve.counts(work)
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

    def __init__(self, sieve: "_Sieve", finished: "_Checkpoint", wanted: int) -> None:
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


class _Sieve:
    """Judges finished texts in the order of their indices, up to `limit` of them, whichever finished first."""

    def __init__(
        self, settings: GenerateSettings, finished: "_Checkpoint", limit: int, structure: Structure | None
    ) -> None:
        self._settings, self._finished, self._limit, self._structure = settings, finished, limit, structure
        self._seen: set[bytes] = set()
        self._tokens = 0
        self._fates = {"looped": 0, "duplicates": 0, "truncated": 0, "empty": 0, "mended": 0, "unstructured": 0}
        self.kept: list[int] = []
        self.sampled = 0

    @property
    def exhausted(self) -> bool:
        """Whether as many texts were judged as may be."""
        return self.sampled >= self._limit

    def take_up(self, wanted: int) -> None:
        """Judges all texts that are next in line."""
        while len(self.kept) < wanted and not self.exhausted and self.sampled in self._finished:
            text, ending, tokens = self._finished.read(self.sampled)
            self._tokens += tokens
            if self._passes(text, ending):
                self.kept.append(self.sampled)
            self.sampled += 1

    def counts(self, work: Plan) -> Counts:
        """What became of the texts so far."""
        return Counts(
            wanted=work.wanted,
            sampled=self.sampled,
            kept=len(self.kept),
            cap=work.cap,
            tokens=self._tokens,
            **self._fates,
        )

    def _passes(self, raw: str, ending: str) -> bool:
        text = CONTROLS.sub(" ", raw)
        self._fates["mended"] += text != raw
        if not text.strip():
            self._fates["empty"] += 1
            return False
        self._fates["truncated"] += ending == "truncated"
        if ending == "truncated" and self._settings.truncated == "drop":
            return False
        if ending == "looped" and self._settings.loops == "drop":
            self._fates["looped"] += 1
            return False
        if self._structure is not None and self._structure.share(text) < self._settings.structure:
            self._fates["unstructured"] += 1
            return False
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
        if digest in self._seen and self._settings.duplicates == "drop":
            self._fates["duplicates"] += 1
            return False
        self._seen.add(digest)
        return True


class _Checkpoint:
    """Finished texts in a file, a line each, written through as they finish; in memory only their places."""

    def __init__(self, path: Path, stream: TextIO, places: dict[int, int]) -> None:
        self._path, self._stream, self._places = path, stream, places

    @classmethod
    def open(cls, path: Path) -> "_Checkpoint":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        places, good = {}, 0
        with path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # torn by a kill: this text is sampled again
                places[int(json.loads(line)["index"])] = good
                good += len(line)
        with path.open("r+b") as stream:
            stream.truncate(good)
        return cls(path, path.open("a", encoding="utf-8", newline="\n"), places)

    def __enter__(self) -> "_Checkpoint":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def __contains__(self, index: int) -> bool:
        return index in self._places

    def add(self, sampled: Sampled, text: str) -> None:
        """Appends one text and hands it to the operating system at once."""
        self._places[sampled.index] = self._stream.tell()
        line = {"index": sampled.index, "ending": sampled.ending, "tokens": len(sampled.tokens), "text": text}
        self._stream.write(json.dumps(line, ensure_ascii=True) + "\n")
        self._stream.flush()

    def read(self, index: int) -> tuple[str, str, int]:
        """Text, ending and number of tokens of a finished text; no tokens where an earlier version sampled it."""
        with self._path.open("rb") as stream:
            stream.seek(self._places[index])
            record = json.loads(stream.readline())
        return record["text"], record["ending"], record.get("tokens", 0)
