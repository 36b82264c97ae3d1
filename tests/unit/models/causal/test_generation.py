"""How many notes, how long, which are kept; and what a killed attempt left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deidrelease.errors import ModelError
from deidrelease.models.causal.generation import (
    Generation,
    decode,
    first_words,
    generate,
    plan,
    sampling_place,
)
from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.settings import GenerateSettings

Generate = Callable[..., Generation]


def train_notes(*texts: str) -> list[Note]:
    return [Note(f"n{i}", f"p{i}", text) for i, text in enumerate(texts)]


SHORT = train_notes("Eva en Vigo, 12 de mayo de 2021", "Gil 4")


@pytest.fixture
def run(language_model: LanguageModel, cpu: Place, tmp_path: Path) -> Generate:
    def run(settings: GenerateSettings, train: list[Note] = SHORT, seed: int = 6) -> Generation:
        return generate(language_model, settings, train, cpu, seed, tmp_path)

    return run


def settings(**values: Any) -> GenerateSettings:
    return GenerateSettings.model_validate({"batch_size": 3, "temperature": 1.0, "loops": "keep", **values})


def leave(folder: Path, texts: list[tuple[str, str]]) -> None:
    """The texts of a killed attempt, as they lie on disk."""
    lines = [json.dumps({"index": i, "ending": ending, "text": text}) for i, (text, ending) in enumerate(texts)]
    (folder / "texts.jsonl").write_text("".join(line + "\n" for line in lines))


def texts_of(generation: Generation) -> list[str]:
    return [note.text for note in generation.notes()]


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("Eva Gil en Vigo", 2, "Eva Gil"),
        ("  Eva\n\tGil en", 2, "  Eva\n\tGil"),
        ("Eva", 3, "Eva"),
        ("Eva ", 3, "Eva "),
        ("Eva Gil", 0, ""),
        ("", 2, ""),
    ],
)
def test_first_words(text: str, count: int, expected: str) -> None:
    assert first_words(text, count) == expected


def test_the_cap_is_a_quantile_of_the_lengths_and_one_for_the_end(language_model: LanguageModel) -> None:
    train = train_notes(*("7" * n for n in (3, 5, 8, 20)))  # a digit is a token
    caps = {q: plan(language_model, settings(length_quantile=q), train).cap for q in (0.01, 0.33, 0.34, 0.99, 1.0)}
    assert caps == {0.01: 6, 0.33: 6, 0.34: 9, 0.99: 21, 1.0: 21}


def test_the_cap_stays_within_the_positions_of_the_model(language_model: LanguageModel) -> None:
    assert plan(language_model, settings(), train_notes("7" * 9000)).cap == 4096 - 1


@pytest.mark.parametrize(("values", "wanted"), [({"multiple": 1.5}, 6), ({"multiple": 0.01}, 1), ({"count": 9}, 9)])
def test_how_many(language_model: LanguageModel, values: dict[str, Any], wanted: int) -> None:
    assert plan(language_model, settings(**values), train_notes("a", "b", "c", "d")).wanted == wanted


def test_no_training_notes(language_model: LanguageModel) -> None:
    with pytest.raises(ModelError, match="empty"):
        plan(language_model, settings(), [])


def test_notes_are_nobodys(run: Generate) -> None:
    generation = run(settings(count=5, duplicates="keep"))
    notes = list(generation.notes())
    assert [note.note_id for note in notes] == [f"synthetic-{i:07d}" for i in range(5)]
    assert all(note.patient_id == note.note_id and note.spans == () for note in notes)
    assert generation.counts.kept == generation.counts.wanted == 5


def test_texts_begin_with_the_words_of_a_training_note(run: Generate) -> None:
    train = train_notes("Eva Gil en Vigo", "Ana Pau en Lugo y mucho más", "Ada y")
    found = texts_of(run(settings(count=12, prompt_words=2, duplicates="keep"), train))
    beginnings = {next((p for p in ("Eva Gil", "Ana Pau", "Ada y") if text.startswith(p)), text) for text in found}
    assert beginnings == {"Eva Gil", "Ana Pau", "Ada y"}


@pytest.mark.parametrize("batch_size", [1, 2, 8, 64])
def test_the_batch_decides_nothing(run: Generate, tmp_path: Path, batch_size: int) -> None:
    values = {"count": 10, "prompt_words": 1}
    expected = run(settings(**values, batch_size=3))
    kept = [(n.note_id, n.text) for n in expected.notes()]
    (tmp_path / "texts.jsonl").unlink()
    again = run(settings(**values, batch_size=batch_size))
    assert [(n.note_id, n.text) for n in again.notes()] == kept
    assert again.counts == expected.counts


def test_another_seed_gives_other_texts(run: Generate, tmp_path: Path) -> None:
    one = texts_of(run(settings(count=4), seed=1))
    (tmp_path / "texts.jsonl").unlink()
    assert not set(one) & set(texts_of(run(settings(count=4), seed=2)))


LEFT = [
    ("one", "closed"), ("two", "truncated"), ("one", "closed"), (" \n", "closed"), ("six six", "looped"),
    ("", "closed"), ("two", "closed"), ("four", "truncated"), ("five", "closed"), ("six six", "closed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "kept", "counts"),
    [
        # sampled, looped, duplicates, truncated, empty
        ({"count": 1}, [0], (1, 0, 0, 0, 0)),
        ({"count": 2}, [0, 1], (2, 0, 0, 1, 0)),
        ({"count": 3, "loops": "drop"}, [0, 1, 7], (8, 1, 2, 2, 2)),
        ({"count": 3, "loops": "keep"}, [0, 1, 4], (5, 0, 1, 1, 1)),
        ({"count": 5, "loops": "drop"}, [0, 1, 7, 8, 9], (10, 1, 2, 2, 2)),
        ({"count": 4, "loops": "drop", "truncated": "drop"}, [0, 6, 8, 9], (10, 1, 1, 2, 2)),
        ({"count": 4, "duplicates": "keep"}, [0, 1, 2, 4], (5, 0, 0, 1, 1)),
    ],
)
def test_what_is_kept_by_hand(
    run: Generate, tmp_path: Path, values: dict[str, Any], kept: list[int], counts: tuple[int, ...]
) -> None:
    leave(tmp_path, LEFT)
    generation = run(settings(attempts=20, **values))
    assert [note.note_id for note in generation.notes()] == [f"synthetic-{i:07d}" for i in kept]
    assert texts_of(generation) == [LEFT[i][0] for i in kept]
    c = generation.counts
    assert (c.sampled, c.looped, c.duplicates, c.truncated, c.empty) == counts
    # All was there already: nothing was sampled.
    assert len((tmp_path / "texts.jsonl").read_bytes().splitlines()) == len(LEFT)


def test_dropped_texts_are_made_up_for(run: Generate, tmp_path: Path) -> None:
    leave(tmp_path, LEFT[:6])
    generation = run(settings(count=6, loops="drop", attempts=20))
    assert generation.counts.kept == 6
    assert texts_of(generation)[:2] == ["one", "two"]
    assert len(set(texts_of(generation))) == 6


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_a_torn_line_is_sampled_again_and_no_other(run: Generate, tmp_path: Path, cut: int) -> None:
    whole = run(settings(count=8))
    path = tmp_path / "texts.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 8
    path.write_bytes(b"".join(lines[:4]) + lines[4][:cut])
    again = run(settings(count=8))
    after = path.read_bytes().splitlines(keepends=True)
    assert after[:4] == lines[:4]
    assert sorted(after) == sorted(lines)
    assert texts_of(again) == texts_of(whole)
    assert again.counts == whole.counts


def test_a_finished_checkpoint_is_not_touched(run: Generate, tmp_path: Path) -> None:
    whole = run(settings(count=5))
    before = (tmp_path / "texts.jsonl").read_bytes()
    assert texts_of(run(settings(count=5))) == texts_of(whole)
    assert (tmp_path / "texts.jsonl").read_bytes() == before


def test_too_few_usable_texts(run: Generate) -> None:
    # As cold as this, every text that begins alike is the same one.
    with pytest.raises(ModelError, match="too few usable notes") as caught:
        run(settings(count=4, temperature=1e-6, attempts=3, prompt_words=1), SHORT[:1])
    [problem] = caught.value.problems
    assert "of 12 samples 1 were kept" in problem.what
    assert "11 duplicates" in problem.what


@pytest.mark.parametrize("ahead", [[], [12], [12, 13, 14]], ids=str)
def test_when_to_give_up_does_not_depend_on_which_texts_finished_first(
    run: Generate, tmp_path: Path, ahead: list[int]
) -> None:
    # 5 wanted, at most 12 looked at. The first eleven give 3, the twelfth is sampled and gives at most one more; what
    # rows beside it have finished ahead of their turn must not count.
    lines = [{"index": i, "ending": "closed", "text": text} for i, text in enumerate(["a", "b", "c", *["c"] * 8])]
    lines += [{"index": i, "ending": "closed", "text": f"new {i}"} for i in ahead]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ModelError, match="of 12 samples"):
        run(settings(count=5, attempts=2.4, batch_size=1))


def test_a_resumed_attempt_that_had_given_up_gives_up_at_once(run: Generate, tmp_path: Path) -> None:
    leave(tmp_path, [("same", "closed")] * 12)
    with pytest.raises(ModelError, match="of 12 samples 1 were kept"):
        run(settings(count=4, attempts=3))
    assert len((tmp_path / "texts.jsonl").read_bytes().splitlines()) == 12


@pytest.mark.parametrize(("ending", "expected"), [("closed", "ca\ufffd"), ("truncated", "ca"), ("looped", "ca")])
def test_a_cut_text_loses_its_half_character(language_model: LanguageModel, ending: str, expected: str) -> None:
    first_byte = language_model.token_ids("€")[0]
    tokens = [*language_model.token_ids("ca"), first_byte]
    assert decode(language_model.tokenizer, tokens, ending) == expected


def test_a_control_character_gives_way_to_a_space_as_no_corpus_may_hold_one(run: Generate, tmp_path: Path) -> None:
    leave(tmp_path, [("Eva\x97Gil en\tVigo\r\n", "closed")])
    generation = run(settings(count=1))
    assert texts_of(generation) == ["Eva Gil en\tVigo\r\n"]
    assert generation.counts.mended == 1


@pytest.mark.parametrize("family", ["Llama", "GPT2", "Bloom", "Gemma2", "Gemma3", "Qwen3", "Mistral"])
def test_a_cpu_samples_in_float32_where_the_cache_outgrows_the_model(
    make_model: Callable[[str], Any], family: str
) -> None:
    model = make_model(family)
    rows = 2
    fed = model(input_ids=torch.full((rows, 5), 7), use_cache=True).past_key_values
    column = sum(layer.keys.numel() + layer.values.numel() for layer in fed.layers) // (rows * 5)
    fits = model.num_parameters() // column
    place = Place("cpu", bf16=True, checkpoint_seconds=3600.0)
    assert sampling_place(place, model, fits) == place
    assert sampling_place(place, model, fits + 1) == Place("cpu", bf16=False, checkpoint_seconds=3600.0)
    elsewhere = Place("cuda", bf16=True, checkpoint_seconds=3600.0)
    assert sampling_place(elsewhere, model, fits + 1) == elsewhere


def test_what_has_no_attention_keeps_its_place(make_model: Callable[[str], Any]) -> None:
    place = Place("cpu", bf16=True, checkpoint_seconds=3600.0)
    assert sampling_place(place, make_model("Mamba"), 10**9) == place


def test_samples_without_the_structure_are_dropped_and_counted(run: Generate, tmp_path: Path) -> None:
    train = train_notes("Name: Eva\nAge: 4", "Name: Gil\nAge: 5")
    leave(tmp_path, [("Name: Ana\nAge: 9", "closed"), ("Eva en Vigo", "closed"), ("Age: 9\nname: Bo", "closed")])
    made = run(settings(count=2, structure=1.0), train)
    assert [note.text for note in made.notes()] == ["Name: Ana\nAge: 9", "Age: 9\nname: Bo"]
    assert (made.counts.unstructured, made.counts.sampled) == (1, 3)


def test_the_tokens_of_all_texts_looked_at_are_counted(run: Generate, tmp_path: Path) -> None:
    made = run(settings(count=3))
    lines = [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text().splitlines()]
    judged = [line["tokens"] for line in lines if line["index"] < made.counts.sampled]
    assert made.counts.tokens == sum(judged) > 0
