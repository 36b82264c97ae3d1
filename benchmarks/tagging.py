"""Characters a second and recall: deidrelease's tagger, Presidio's Hugging Face recognizer, transformers' pipeline.

All three load the same weights and read the same notes in the same run. Presidio is used as its documentation shows:
the recognizer's `analyze`, text by text, with its own chunks of 400 characters. Its score threshold is set to 0 (from
0.3), which can only raise its recall. The pipeline gets the tagger's own windows and overlap, in batches. White space
at the edges of the peers' spans, which byte-level tokens carry, is cut off before they are scored.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds import interleave, show

from deidrelease.formats.table import open_corpus
from deidrelease.models.loading import go_offline
from deidrelease.notes import Note, Span
from deidrelease.settings import ComputeSettings, TaggerSettings

if TYPE_CHECKING:
    from deidrelease.models.devices import Place

Tool = Callable[[Sequence[str]], list[tuple[Span, ...]]]
_BETWEEN = "\n\n"


def main() -> None:
    """Measures and prints."""
    options = _options()
    go_offline(download=False)
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    from deidrelease.models.devices import find_place

    place = find_place(ComputeSettings(threads=options.threads, device=options.device))
    notes = list(islice(open_corpus(options.corpus, patients="note"), options.notes))
    if options.concatenate > 1:
        notes = list(_concatenated(notes, options.concatenate))
    texts = [note.text for note in notes]
    characters = sum(map(len, texts))
    with tempfile.TemporaryDirectory() as folder:
        model = _with_new_head(options.model, notes, Path(folder)) if options.new_head else options.model
        tools = _tools(options, model, place)
        found = {name: tool(texts[: options.warm_up]) and tool(texts) for name, tool in tools.items()}

        def work(tool: Tool) -> Callable[[], float]:
            return lambda: characters * bool(tool(texts))

        rates = interleave({name: work(tool) for name, tool in tools.items()}, options.rounds)
    columns: dict[str, dict[str, str]] = {}
    for name, spans in found.items():
        for measure, value in _recall(notes, spans).items():
            columns.setdefault(measure, {})[name] = f"{value:.4f}"
    title = (
        f"{len(notes)} notes, {characters / len(notes):,.0f} characters each, {options.rounds} rounds, {place.device}"
    )
    show(title, rates, "characters/s", None if options.new_head else columns)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="Hugging Face folder of a tagger, such as annotator/model")
    parser.add_argument("--new-head", action="store_true", help="the folder is a bare encoder: speed only, no recall")
    parser.add_argument("--corpus", type=Path, required=True, help="BRAT or JSONL with gold spans")
    parser.add_argument("--notes", type=int, default=60, help="first notes of the corpus to take (60)")
    parser.add_argument("--concatenate", type=int, default=1, metavar="K", help="join K notes into one long one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=int, default=256, help="as in training (256)")
    parser.add_argument("--overlap", type=int, default=32, help="tokens that windows share (32)")
    parser.add_argument("--batch-tokens", type=int, default=1024, help="of deidrelease (1024)")
    parser.add_argument("--int8", action="store_true", help="round the linear layers of deidrelease's tagger")
    parser.add_argument("--batch-size", type=int, default=16, help="of the pipeline, in windows (16)")
    parser.add_argument("--warm-up", type=int, default=4, help="notes tagged before the first round (4)")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--only", default="", help="comma-separated contenders: deidrelease,presidio,pipeline")
    return parser.parse_args()


def _concatenated(notes: Sequence[Note], count: int) -> Iterator[Note]:
    for number in range(0, len(notes) - count + 1, count):
        text, spans = "", []
        for note in notes[number : number + count]:
            spans += [Span(span.start + len(text), span.end + len(text), span.label) for span in note.spans]
            text += note.text + _BETWEEN
        yield Note(f"joined-{number}", f"joined-{number}", text, tuple(spans))


def _with_new_head(model: str, notes: Sequence[Note], folder: Path) -> str:
    """Puts a head on a bare encoder that says `O` nearly always, as a trained one would."""
    import torch

    from deidrelease.models.tagging.encoder import make_encoder

    labels = sorted({span.label for note in notes for span in note.spans})
    encoder = make_encoder(TaggerSettings(model=model), labels, [], seed=0, download=False)
    with torch.no_grad():
        encoder.model.classifier.bias[0] += 10
    encoder.save(folder)
    return str(folder)


def _tools(options: argparse.Namespace, model: str, place: "Place") -> dict[str, Tool]:
    makers: dict[str, Callable[[argparse.Namespace, str, Place], Tool]] = {
        "deidrelease": _deidrelease,
        "presidio": _presidio,
        "pipeline": _pipeline,
    }
    wanted = options.only.split(",") if options.only else list(makers)
    return {name: makers[name](options, model, place) for name in wanted}


def _deidrelease(options: argparse.Namespace, model: str, place: "Place") -> Tool:
    from deidrelease.models.tagging.encoder import load_encoder
    from deidrelease.models.tagging.int8 import rounded_to_int8
    from deidrelease.models.tagging.tagger import Tagger

    encoder = load_encoder(Path(model))
    if options.int8:
        encoder = rounded_to_int8(encoder, place)
    tagger = Tagger(encoder, place, options.window, options.overlap, options.batch_tokens)
    return lambda texts: list(tagger.tag(texts))


def _presidio(options: argparse.Namespace, model: str, place: "Place") -> Tool:  # noqa: ARG001
    from presidio_analyzer.predefined_recognizers.ner import HuggingFaceNerRecognizer
    from transformers import AutoConfig

    labels = sorted({name[2:] for name in AutoConfig.from_pretrained(model).id2label.values() if name != "O"})
    recognizer = HuggingFaceNerRecognizer(
        model_name=model, label_mapping={label: label for label in labels}, threshold=0.0, device=place.device
    )

    def tag(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        results = (recognizer.analyze(text, labels) for text in texts)
        return [
            _trimmed(text, [(r.start, r.end, r.entity_type) for r in found])
            for text, found in zip(texts, results, strict=True)
        ]

    return tag


def _pipeline(options: argparse.Namespace, model: str, place: "Place") -> Tool:
    from transformers import AutoTokenizer, pipeline

    recognise: Any = pipeline(
        "token-classification",
        model=model,
        tokenizer=AutoTokenizer.from_pretrained(model, model_max_length=options.window),
        aggregation_strategy="simple",
        stride=options.overlap,
        batch_size=options.batch_size,
        device=place.device,
    )

    def tag(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            _trimmed(text, [(r["start"], r["end"], r["entity_group"]) for r in found])
            for text, found in zip(texts, recognise(list(texts)), strict=True)
        ]

    return tag


def _trimmed(text: str, found: Sequence[tuple[int, int, str]]) -> tuple[Span, ...]:
    spans = set()
    for first, last, label in found:
        covered = text[first:last]
        start, end = first + len(covered) - len(covered.lstrip()), last - len(covered) + len(covered.rstrip())
        if start < end:
            spans.add(Span(start, end, label))
    return tuple(sorted(spans))


def _recall(notes: Sequence[Note], predicted: Sequence[tuple[Span, ...]]) -> dict[str, float]:
    """Shares of the gold: visible characters covered, mentions touched, mentions found with edges and label."""
    characters = covered = mentions = touched = strict = 0
    for note, spans in zip(notes, predicted, strict=True):
        hidden = {i for span in spans for i in range(span.start, span.end)}
        for gold in note.spans:
            visible = {i for i in range(gold.start, gold.end) if not note.text[i].isspace()}
            characters += len(visible)
            covered += len(visible & hidden)
            mentions += 1
            touched += bool(visible & hidden)
            strict += gold in spans
    return {
        "char. recall": covered / max(characters, 1),
        "touched": touched / max(mentions, 1),
        "strict": strict / max(mentions, 1),
    }


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
