"""substitute: every tagged value of the synthetic notes gives way to a surrogate that is new to the private corpus."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.artifacts import write_text
from deidrelease.formats import brat, jsonl, open_corpus
from deidrelease.labels import load_label_map
from deidrelease.notes import Corpus, Note
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates import Forbidden, substitute
from deidrelease.surrogates.counting import Substitutions

_PRIVATE = ("split/train.jsonl", "split/dev.jsonl", "split/holdout.jsonl")


@dataclass(frozen=True, slots=True)
class Substitute:
    """Looks at private values, those of the hold-out too, for one purpose: to turn a surrogate down.

    Why it may is recorded in docs/decisions/0003-surrogates-see-the-hold-out.md.
    """

    substitute: SubstituteSettings
    labels: str

    name: ClassVar[str] = "substitute"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("annotate/notes.jsonl", *_PRIVATE)
    releasable: ClassVar[frozenset[str]] = frozenset({"notes.jsonl", "brat"})

    def settings(self) -> Mapping[str, object]:
        """Those of the surrogates, and what the labels mean."""
        return {
            **self.substitute.model_dump(mode="json", exclude={"enabled"}),
            "label_map": load_label_map(self.labels).model_dump(mode="json"),
        }

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes the corpus as `notes.jsonl` and `brat/`, and `substitution.json` with the counts.

        Raises:
            CorpusError: A label is not mapped, or no free surrogate was found; nothing is published then.
        """
        label_map = load_label_map(self.labels)
        synthetic = open_corpus(inputs["annotate/notes.jsonl"], "jsonl")
        label_map.require(Counter(span.label for note in synthetic for span in note.spans))
        private = (note for name in _PRIVATE for note in open_corpus(inputs[name], "jsonl"))
        forbidden = Forbidden.from_notes(private, label_map)
        counts = Substitutions(label_map, len(forbidden))

        def substituted(corpus: Corpus) -> Iterator[Note]:
            with progress.step("putting surrogates into synthetic notes", sum(1 for _ in corpus)) as step:
                for located in corpus.located():
                    new = substitute(located.note, label_map, forbidden, seed, self.substitute, located.where)
                    counts.add(located.note, new)
                    step.advance(1)
                    yield new

        jsonl.write(substituted(synthetic), out / "notes.jsonl")
        brat.write(open_corpus(out / "notes.jsonl", "jsonl"), out / "brat")
        write_text(out / "substitution.json", json.dumps(counts.as_dict(), indent=1) + "\n")
