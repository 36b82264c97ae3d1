"""Recall of the detectors on annotated corpora, what they cover without need, and characters a second.

The corpora are read by path; nothing of their text is printed.

    python benchmarks/detection.py recall --language es --corpus ../shared/corpora/meddocan/dev
    python benchmarks/detection.py speed --language es --corpus ../shared/corpora/meddocan/dev --tagger RUN/annotator

`recall` prints a Markdown table: mentions covered wholly, mentions touched, characters covered, worst type first, each
with a 95% interval (Wilson at the effective sample size, notes as clusters), then what was covered without need, on
all notes and on those without any annotation.

`speed` lets three contenders detect the same notes: deidrelease's `Detector`, which batches for the tagger; the same
recognizers in Presidio's own `BatchAnalyzerEngine`, which asks the tagger text by text; and the patterns alone.
"""

import argparse
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from rounds import interleave, show

from deidrelease.detection.detector import LANGUAGES, MIN_SCORE, load_detector
from deidrelease.detection.recall import markdown, recall
from deidrelease.formats.reading import PatientSource, ReadOptions
from deidrelease.formats.table import open_corpus
from deidrelease.notes import Note
from deidrelease.settings import ComputeSettings


def main() -> None:
    """Measures and prints."""
    options = _options()
    # Marks at the beginning of files and the like must not keep a published corpus from being measured.
    reading = ReadOptions(PatientSource.parse(options.patients), mend=True)
    notes = list(islice(open_corpus(options.corpus, options.format, reading), options.notes))
    libraries = ", ".join(f"{name} {version(name)}" for name in ("presidio-analyzer", "torch", "transformers"))
    print(f"{len(notes)} notes, {options.language}; {libraries}; Python {platform.python_version()}\n")
    (_recall if options.what == "recall" else _speed)(options, notes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["recall", "speed"])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--format", default="auto")
    parser.add_argument("--patients", default="note")
    parser.add_argument("--language", choices=LANGUAGES, required=True)
    parser.add_argument("--tagger", type=Path, help="folder of a trained tagger, such as RUN/annotator")
    parser.add_argument("--no-patterns", action="store_true")
    parser.add_argument("--min-score", type=float, default=MIN_SCORE)
    parser.add_argument("--notes", type=int, default=None, help="first notes of the corpus to take (all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    return parser.parse_args()


def _recall(options: argparse.Namespace, notes: Sequence[Note]) -> None:
    detector = load_detector(
        options.language,
        patterns=not options.no_patterns,
        min_score=options.min_score,
        tagger=options.tagger,
        compute=ComputeSettings(device="cpu", threads=options.threads),
    )
    detected = detector.detect(note.text for note in notes)
    print(markdown(recall(zip(notes, detected, strict=True))))


def _speed(options: argparse.Namespace, notes: Sequence[Note]) -> None:
    from presidio_analyzer import BatchAnalyzerEngine

    from deidrelease.detection.analyzer import offline_engine
    from deidrelease.detection.detector import Detector
    from deidrelease.detection.tagger_recognizer import TaggerRecognizer

    texts = [note.text for note in notes]
    kilobytes = sum(len(text.encode("utf-8")) for text in texts) / 1000
    compute = ComputeSettings(device="cpu", threads=options.threads)
    detector = load_detector(options.language, min_score=options.min_score, tagger=options.tagger, compute=compute)
    engine = offline_engine(options.language)
    if detector.tagger is not None:
        engine.registry.add_recognizer(TaggerRecognizer(detector.tagger, options.language))
    presidio = BatchAnalyzerEngine(engine)
    alone = Detector(detector.patterns)

    def worth(work: Callable[[], object]) -> Callable[[], float]:
        def measured() -> float:
            work()
            return kilobytes

        return measured

    contenders = {
        "deidrelease, batched": worth(lambda: list(detector.detect(texts))),
        "Presidio, text by text": worth(
            lambda: presidio.analyze_iterator(texts, options.language, score_threshold=options.min_score)
        ),
        "patterns alone": worth(lambda: list(alone.detect(texts))),
    }
    for work in contenders.values():
        work()
    show(f"{kilobytes:,.0f} KB, {options.rounds} rounds", interleave(contenders, options.rounds), "KB/s")


if __name__ == "__main__":
    main()
