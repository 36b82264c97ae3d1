"""audit: what of the private notes is in the synthetic ones, measured against the hold-out."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

from deidrelease.artifacts import write_text
from deidrelease.auditing.choosing import chosen_audits
from deidrelease.auditing.records import LEDGER
from deidrelease.auditing.running import audit
from deidrelease.auditing.writing import write_result
from deidrelease.contracts import Corpora, Language
from deidrelease.engine import LocalEngine
from deidrelease.formats import open_corpus
from deidrelease.keys import load_or_make_key
from deidrelease.labels import LabelMap, load_label_map
from deidrelease.notes import Note
from deidrelease.privacy.account import Account
from deidrelease.privacy.stated import guarantee_in
from deidrelease.privacy.total_document import total_document
from deidrelease.settings import AuditSettings
from deidrelease.surrogates.language import AUTO, detect_language

SITE_KEY = "site.key"


@dataclass(frozen=True, slots=True)
class Audit:
    """Judges the notes that would be released: those with surrogates, where there are any.

    Attributes:
        audit: The section.
        labels: Name or path of the label map; empty where nobody said what the labels mean.
        surrogate_language: Of the `substitute` section; `auto` where it does not say.
        substituted: Whether surrogates were put into the synthetic notes.
        records: Of which of `adapt` and `annotator` the audits see what it noted down of itself: those with
            differential privacy or canaries.
        account: Where private steps are written down; None where no training promises anything.
    """

    audit: AuditSettings
    labels: str
    surrogate_language: str
    substituted: bool = False
    records: tuple[str, ...] = ()
    account: Account | None = None

    name: ClassVar[str] = "audit"
    version: ClassVar[int] = 2
    releasable: ClassVar[frozenset[str]] = frozenset({"result.json"})

    @property
    def _synthetic(self) -> str:
        return "substitute/notes.jsonl" if self.substituted else "annotate/notes.jsonl"

    @property
    def after(self) -> tuple[str, ...]:
        """The synthetic notes, both private sides, the annotator as a detector, the site's key, and the records."""
        others = (name for name in self.records if name != "annotator")
        return (self._synthetic, "split/train.jsonl", "split/holdout.jsonl", "annotator", SITE_KEY, *others)

    def settings(self) -> Mapping[str, object]:
        """Which audits at which version, and what they are told; how many processes decides nothing.

        Where a promise is made, what every run on these patients has spent, so that it is told anew when it grows.
        """
        audits = chosen_audits(self.audit.only, "audit.only")
        label_map = self._label_map()
        return {
            "audits": {name: [each.version, dict(each.settings())] for name, each in audits.items()},
            "language": [self.audit.language, self.surrogate_language],
            "label_map": None if label_map is None else label_map.model_dump(mode="json"),
            **({} if self.account is None else {"ledger": self.account.spent_digest()}),
        }

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `result.json` and `findings.private.jsonl`, and, where a promise is made, `ledger.private.json`.

        Raises:
            CorpusError: A label has no meaning in the label map.
        """
        key, train = load_or_make_key(inputs[SITE_KEY]), open_corpus(inputs["split/train.jsonl"], "jsonl")
        corpora = Corpora(
            synthetic=open_corpus(inputs[self._synthetic], "jsonl"),
            train=train,
            holdout=open_corpus(inputs["split/holdout.jsonl"], "jsonl"),
            label_map=self._label_map(),
            language=self._language(train),
            tagger=inputs["annotator"],
            key=key,
            seed=seed,
            records=self._records(inputs, out),
        )
        result = audit(corpora, chosen_audits(self.audit.only, "audit.only"), LocalEngine(self.audit.workers))
        write_result(result, out, key)

    def _records(self, inputs: Mapping[str, Path], out: Path) -> dict[str, Path]:
        """What the trainings noted down, and what all runs spent together, at the budget's delta or else this run's."""
        records = {name: inputs[name] for name in self.records}
        promises = filter(None, (guarantee_in(folder) for folder in records.values()))
        promise = next(promises, None)
        if self.account is None or promise is None:
            return records
        budget = self.account.budget
        total = self.account.ledger().total(promise.delta if budget is None else budget.delta)
        write_text(out / LEDGER, json.dumps(total_document(total), indent=1) + "\n")
        return {**records, "ledger": out / LEDGER}

    def _label_map(self) -> LabelMap | None:
        return load_label_map(self.labels) if self.labels else None

    def _language(self, train: Iterable[Note]) -> Language | None:
        told = next((said for said in (self.audit.language, self.surrogate_language) if said != AUTO), None)
        return cast(Language | None, told or commonest_language(train))


def commonest_language(notes: Iterable[Note]) -> str | None:
    """The language that most of `notes` show by their function words; None where none shows any."""
    counts = Counter(filter(None, (detect_language(note.text) for note in notes)))
    return min(counts, key=lambda code: (-counts[code], code)) if counts else None
