"""A small, untrained tagger on long notes, against one window at a time."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from deidrelease.errors import ModelError
from deidrelease.models.devices import Place
from deidrelease.models.tagging.encoder import Encoder, load_encoder, make_encoder
from deidrelease.models.tagging.int8 import rounded_to_int8
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.notes import Note, Span
from deidrelease.settings import ScratchEncoder, TaggerSettings

LABELS = ("CITY", "NAME")
SCRATCH = ScratchEncoder(layers=2, hidden=32, heads=2, vocabulary=320, local_attention=8, dropout=0.0)
SETTINGS = TaggerSettings(scratch=SCRATCH, window=34, overlap=10)


@pytest.fixture(scope="module")
def encoder(notes: list[Note]) -> Encoder:
    made = make_encoder(SETTINGS, LABELS, (note.text for note in notes), seed=1, download=False)
    # An untrained head calls nearly everything by one tag; spread its scores so that all tags occur.
    with torch.no_grad():
        made.model.classifier.weight.mul_(20)
    made.model.eval()
    return made


def windows(n_tokens: int, size: int, overlap: int) -> list[tuple[int, int]]:
    bounds = [(0, min(size, n_tokens))]
    while bounds[-1][1] < n_tokens:
        start = bounds[-1][1] - overlap
        bounds.append((start, min(start + size, n_tokens)))
    return bounds


def context(bounds: tuple[int, int], token: int, n_tokens: int) -> float:
    left = token - bounds[0] if bounds[0] else float("inf")
    right = bounds[1] - 1 - token if bounds[1] < n_tokens else float("inf")
    return min(left, right)


def naive_scores(encoder: Encoder, ids: list[int], size: int, overlap: int) -> np.ndarray:
    bounds = windows(len(ids), size, overlap)
    by_window = []
    for start, end in bounds:
        row = torch.tensor([[1, *ids[start:end], 2]])
        with torch.no_grad():
            by_window.append(encoder.model(input_ids=row).logits[0, 1:-1].numpy())
    scores = []
    for token in range(len(ids)):
        seen = [i for i, (start, end) in enumerate(bounds) if start <= token < end]
        # Of windows that see it equally well, the later one speaks.
        chosen = max(seen, key=lambda i: (context(bounds[i], token, len(ids)), i))
        scores.append(by_window[chosen][token - bounds[chosen][0]])
    return np.array(scores)


def naive_spans(encoder: Encoder, text: str, size: int, overlap: int) -> list[Span]:
    ids, offsets = encoder.tokenize(text)
    # Viterbi written out plainly: best[tag] is the best score of a valid sequence that ends in tag.
    best, paths = {0: 0.0}, {0: [0]}
    for emit in naive_scores(encoder, ids, size, overlap).astype(np.float64):
        following, longer = {}, {}
        for tag in range(len(emit)):
            inside = tag > 0 and tag % 2 == 0
            allowed = [p for p in best if not inside or p in (tag, tag - 1)]
            if allowed:
                before = max(allowed, key=lambda p: best[p])
                following[tag], longer[tag] = best[before] + emit[tag], [*paths[before], tag]
        best, paths = following, longer
    tags = paths[max(best, key=lambda tag: best[tag])][1:]
    seen: set[int] = set()
    spans: list[list[int]] = []
    for tag, (start, end) in zip(tags, offsets, strict=True):
        characters = [at for at in range(start, end) if at not in seen]
        seen.update(characters)
        visible = [at for at in characters if not text[at].isspace()]
        if not visible:
            continue
        if tag > 0 and tag % 2 == 0 and spans and spans[-1][2] == (tag - 1) // 2:
            spans[-1][1] = visible[-1] + 1
        else:
            spans.append([visible[0], visible[-1] + 1, -1 if tag == 0 else (tag - 1) // 2])
    return [Span(start, end, LABELS[label]) for start, end, label in spans if label >= 0]


@pytest.mark.parametrize("overlap", [0, 10, 15])
def test_long_notes_are_tagged_as_one_window_at_a_time_would(
    encoder: Encoder, cpu: Place, notes: list[Note], overlap: int
) -> None:
    tagger = Tagger(encoder, cpu, SETTINGS.window, overlap, batch_tokens=200)
    texts = [notes[0].text, "é 😀\n\n" + notes[1].text, "Eva", notes[2].text[:150]]
    expected = [naive_spans(encoder, text, SETTINGS.window - 2, overlap) for text in texts]
    assert [list(spans) for spans in tagger.tag(texts)] == expected
    assert {span.label for spans in expected for span in spans} == set(LABELS)


@pytest.mark.parametrize("batch_tokens", [1, 64, 100_000])
def test_the_batch_decides_nothing(encoder: Encoder, cpu: Place, notes: list[Note], batch_tokens: int) -> None:
    texts = [note.text for note in notes[:6]]
    expected = list(Tagger(encoder, cpu, 34, 10, 300).tag(texts))
    assert list(Tagger(encoder, cpu, 34, 10, batch_tokens).tag(texts)) == expected


def test_texts_without_tokens_keep_their_place(encoder: Encoder, cpu: Place, notes: list[Note]) -> None:
    tagger = Tagger(encoder, cpu, 34, 10)
    alone = next(iter(tagger.tag([notes[0].text])))
    assert alone
    assert list(tagger.tag(["", notes[0].text, " \n", ""])) == [(), alone, (), ()]
    assert list(tagger.tag([])) == []


def test_reads_ahead_by_a_bounded_amount(encoder: Encoder, cpu: Place) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "Eva en Vigo"

    assert len(list(itertools.islice(Tagger(encoder, cpu, 34, 10).tag(endless()), 3))) == 3
    assert read <= 64


def test_save_and_load_give_the_same_tagger(encoder: Encoder, cpu: Place, notes: list[Note], tmp_path: Path) -> None:
    encoder.save(tmp_path)
    loaded = load_encoder(tmp_path)
    assert (loaded.labels, loaded.prefix, loaded.suffix) == (LABELS, (1,), (2,))
    texts = [note.text for note in notes]
    assert list(Tagger(loaded, cpu, 34, 10).tag(texts)) == list(Tagger(encoder, cpu, 34, 10).tag(texts))


def test_a_tagger_with_other_tags_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace("B-CITY", "CITY"))
    with pytest.raises(ModelError, match="in that order"):
        load_encoder(tmp_path)


def test_eight_bits_score_nearly_alike_and_are_not_the_same(encoder: Encoder, cpu: Place) -> None:
    rounded = rounded_to_int8(encoder, cpu)
    ids = torch.tensor([encoder.tokenize("Seen by Dr Roe on 3 May 2021 in Kiruna.")[0]])
    with torch.inference_mode():
        full = encoder.model.eval()(input_ids=ids).logits
        few = rounded.model(input_ids=ids).logits
    assert not torch.equal(full, few)
    assert torch.corrcoef(torch.stack([full.flatten(), few.flatten()]))[0, 1] > 0.99


def test_eight_bits_are_for_a_cpu(encoder: Encoder) -> None:
    with pytest.raises(ModelError, match=r"annotate\.precision"):
        rounded_to_int8(encoder, Place("cuda", bf16=False, checkpoint_seconds=60))
