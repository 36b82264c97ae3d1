"""One contender of the audits' benchmarks, in a process of its own; prints seconds, peak memory and an answer as JSON.

python benchmarks/audit_contender.py audit --only verbatim --synthetic S --train T [--holdout H]
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from deidrelease.contracts import ENTRY_POINTS, Audit, Corpora
from deidrelease.engine import LocalEngine
from deidrelease.formats import open_corpus
from deidrelease.keys import SiteKey
from deidrelease.labels import load_label_map
from deidrelease.memory import peak_bytes
from deidrelease.notes import Corpus, Located, Note

LENGTHS = (8, 13, 25, 50)


@dataclass(frozen=True, slots=True)
class InMemory:
    """A shard that is at hand."""

    notes: tuple[Note, ...]

    def read(self) -> Iterator[Located]:
        """The notes."""
        return (Located("at hand", note) for note in self.notes)


def audit_named(name: str) -> Audit:
    """The installed audit of that name."""
    (point,) = entry_points(group=ENTRY_POINTS, name=name)
    made: Audit = point.load()()
    return made


def corpora_of(options: argparse.Namespace) -> Corpora:
    """The corpora, streamed from their files, or held where `--at-hand`."""

    def opened(path: Path | None) -> Corpus | None:
        if path is None:
            return None
        corpus = open_corpus(path, "jsonl")
        return Corpus(corpus.name, (InMemory(tuple(corpus)),)) if options.at_hand else corpus

    arms = [opened(path) for path in (options.synthetic, options.train, options.holdout)]
    return Corpora(*arms, load_label_map("meddocan"), "es", None, SiteKey(bytes(32)))  # type: ignore[arg-type]


def audited(options: argparse.Namespace) -> dict[str, object]:
    """One audit: index, tally and conclusion, timed apart."""
    corpora, audit = corpora_of(options), audit_named(options.only)
    clock = [_now()]
    index = audit.index(corpora)
    clock.append(_now())
    tally = LocalEngine(options.workers).tally(audit, index, corpora, lambda _: None)
    clock.append(_now())
    conclusion = audit.conclude(index, tally)
    clock.append(_now())
    (w0, c0), (w1, c1), (w2, c2), (w3, c3) = clock
    return {
        "seconds": w3 - w0,
        "index": c1 - c0,
        "scan": c2 - c1,
        "scan_wall": w2 - w1,
        "conclude": c3 - c2,
        "answer": {name: estimate.value for name, estimate in conclusion.metrics.items()},
        "status": conclusion.status,
    }


def suffix_array(options: argparse.Namespace) -> dict[str, object]:
    """The oracle of the verbatim audit, for one or both normal forms."""
    from suffix_oracle import longest_spans

    texts = _texts(options)
    began = _now()
    longest = [longest_spans(*texts, normal) for normal in options.normal]
    return _spans_told(began, longest[0])


def matching(options: argparse.Namespace) -> dict[str, object]:
    """The search of the verbatim audit alone, without its judgement, for one or both normal forms."""
    from deidrelease_audits.text.tokens import tokenise_all
    from deidrelease_audits.verbatim.matching import Index

    def longest_spans(synthetic: list[str], private: list[str], normal: str) -> np.ndarray:
        tokens, firsts = tokenise_all(synthetic, normal)
        index, best = Index.of(tokens.codes, firsts), np.zeros(len(tokens.codes), np.int64)
        theirs, bounds = tokenise_all(private, normal)
        for _, found in index.matches(theirs.codes, bounds):
            np.maximum.at(best, found.there, found.lengths)
        everywhere = index.spread(np.arange(len(best)), best)
        return np.maximum.reduceat(everywhere, firsts[:-1])

    texts = _texts(options)
    began = _now()
    longest = [longest_spans(*texts, normal) for normal in options.normal]
    return _spans_told(began, longest[0])


def thirteen_grams(options: argparse.Namespace) -> dict[str, object]:
    """A Python set of all private runs of 13 words, the usual check for contamination; the corpus is streamed."""
    began, grams = _now(), set()
    for note in open_corpus(options.train, "jsonl"):
        words = re.findall(r"\w+", note.text.casefold())
        grams.update(" ".join(words[at : at + 13]) for at in range(len(words) - 12))
    return {"seconds": _now()[0] - began[0], "answer": {"grams": len(grams)}}


def nothing(_: argparse.Namespace) -> dict[str, object]:
    """The imports that all contenders have."""
    return {"seconds": 0.0, "answer": {}}


def _texts(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    synthetic, train = (open_corpus(path, "jsonl") for path in (options.synthetic, options.train))
    return [note.text for note in synthetic], [note.text for note in train]


def _spans_told(began: tuple[float, float], longest: np.ndarray) -> dict[str, object]:
    wall, cpu = (after - before for after, before in zip(_now(), began, strict=True))
    shares = {f"notes_with_span_{length}": float((longest >= length).mean()) for length in LENGTHS}
    answer = {"longest_span_tokens": float(longest.max()), **shares}
    return {"seconds": wall, "cpu": cpu, "answer": answer}


def _now() -> tuple[float, float]:
    """Wall time, and processor time of this process."""
    return time.perf_counter(), time.process_time()


CONTENDERS: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {
    "audit": audited,
    "suffix-array": suffix_array,
    "matching": matching,
    "13-grams": thirteen_grams,
    "nothing": nothing,
}


def main() -> None:
    """Runs one and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--only", help="the audit")
    parser.add_argument("--synthetic", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--holdout", type=Path)
    parser.add_argument("--normal", nargs="+", default=["words"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--at-hand", action="store_true", help="read the corpora before the clock starts")
    options = parser.parse_args()
    print(json.dumps({**CONTENDERS[options.contender](options), "peak": peak_bytes()}))


if __name__ == "__main__":
    main()
