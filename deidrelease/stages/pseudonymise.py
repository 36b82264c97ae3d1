"""pseudonymise: the notes that the language model learns from carry surrogates, so that it never sees a real name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.artifacts import write_text
from deidrelease.formats import jsonl, open_corpus
from deidrelease.labels import load_label_map
from deidrelease.notes import Corpus, Note
from deidrelease.settings import SubstituteSettings
from deidrelease.surrogates import Forbidden, substitute
from deidrelease.surrogates.counting import Substitutions

_SIDES = ("train", "dev")


@dataclass(frozen=True, slots=True)
class Pseudonymise:
    """Gold train and dev with every gold value replaced; what no annotator marked stays as it was."""

    substitute: SubstituteSettings
    labels: str

    name: ClassVar[str] = "pseudonymise"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("split/train.jsonl", "split/dev.jsonl")
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """Those of the surrogates, and what the labels mean."""
        return {
            **self.substitute.model_dump(mode="json", exclude={"enabled"}),
            "label_map": load_label_map(self.labels).model_dump(mode="json"),
        }

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `train.jsonl`, `dev.jsonl` and `pseudonymisation.json` with the counts; all of it stays private.

        Raises:
            CorpusError: A label is not mapped, or no free surrogate was found; nothing is published then.
        """
        label_map = load_label_map(self.labels)
        gold = {side: open_corpus(inputs[f"split/{side}.jsonl"], "jsonl") for side in _SIDES}
        forbidden = Forbidden.from_notes((note for corpus in gold.values() for note in corpus), label_map)
        counts = Substitutions(label_map, len(forbidden))

        def pseudonymised(corpus: Corpus) -> Iterator[Note]:
            for located in corpus.located():
                new = substitute(located.note, label_map, forbidden, seed, self.substitute, located.where)
                counts.add(located.note, new)
                step.advance(1)
                yield new

        with progress.step("putting surrogates into gold notes", sum(1 for c in gold.values() for _ in c)) as step:
            for side, corpus in gold.items():
                jsonl.write(pseudonymised(corpus), out / f"{side}.jsonl")
        write_text(out / "pseudonymisation.json", json.dumps(counts.as_dict(), indent=1) + "\n")
