"""Do the audits tell a generator that memorised from one that did not?

    python benchmarks/memorising.py                      # 40 patients, 60 epochs against 2; minutes on two cores

The demo's language model is made from nothing on the notes of 40 invented patients, once for 2 epochs and once for 60,
and samples as many notes as it learnt from. The epoch that is kept is the last: early stopping, which `deidrelease run`
does on other patients, would not let it memorise. The audits compare with 40 patients that it never saw.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deidrelease.auditing.choosing import chosen_audits
from deidrelease.auditing.result import AuditResult
from deidrelease.auditing.running import audit
from deidrelease.contracts import Corpora
from deidrelease.demo import hospital
from deidrelease.engine import LocalEngine
from deidrelease.keys import SiteKey
from deidrelease.labels import load_label_map
from deidrelease.models.causal.adaptation import adapt
from deidrelease.models.causal.generation import generate
from deidrelease.models.causal.language_model import make_language_model
from deidrelease.models.devices import find_place
from deidrelease.notes import Corpus, Held, Note
from deidrelease.settings import AdaptSettings, ComputeSettings, GenerateSettings

SHOWN = {
    "verbatim": ("longest_span_tokens", "notes_with_span_13", "notes_with_span_25", "patients_excess", "p_value",
                 "decisive"),
    "near_duplicate": ("max_containment", "notes_contained_50", "dcr_share", "p_value", "decisive"),
    "pii_replay": ("unique_identifiers", "unique_excess", "patients_excess", "p_value", "decisive"),
    "linkage": ("same_patient_pairs", "patients_excess", "p_value", "decisive"),
    "membership": ("auc", "auc_nearest", "p_value"),
}  # fmt: skip


def arms(patients: int, seed: int) -> tuple[list[Note], list[Note]]:
    """Notes of `patients` invented patients to learn from, and of as many others."""
    notes = list(hospital.notes(2 * patients, ("es",), seed))
    order = {patient: number for number, patient in enumerate(dict.fromkeys(note.patient_id for note in notes))}
    # Every second patient: the hospital writes its patients in no order of their own, but nothing may depend on that.
    return [n for n in notes if order[n.patient_id] % 2 == 0], [n for n in notes if order[n.patient_id] % 2]


def sampled(train: Sequence[Note], epochs: int, seed: int, folder: Path, threads: int | None = None) -> list[Note]:
    """What the demo's language model writes after so many epochs on `train`."""
    place = find_place(ComputeSettings.model_validate({"device": "cpu", "threads": threads}))
    settings = AdaptSettings.model_validate(
        {
            "scratch": {"layers": 4, "hidden": 128, "heads": 2, "vocabulary": 1200},
            "grouping": "length",
            "context": 384,
            "epochs": epochs,
            "patience": epochs,
            "batch_size": 4,
            "learning_rate": 3e-3,
        }
    )
    model = make_language_model(settings, (note.text for note in train), place, seed, download=False)
    # Dev notes that are the training notes keep the last epoch, which is the point here.
    adapt(model, settings, train, train, place, seed, folder / "adapt")
    wanted = GenerateSettings.model_validate({"multiple": 1, "temperature": 0.8, "duplicates": "keep", "loops": "keep"})
    generation = generate(model, wanted, train, place, seed, folder / "generate")
    return list(generation.notes())


def audited(synthetic: Sequence[Note], train: Sequence[Note], holdout: Sequence[Note], seed: int) -> AuditResult:
    """The audits of `SHOWN` over notes at hand."""
    held = [Corpus(name, (Held(tuple(notes)),)) for name, notes in
            (("synthetic", synthetic), ("train", train), ("holdout", holdout))]  # fmt: skip
    corpora = Corpora(*held, label_map=load_label_map("demo"), language="es", tagger=None, key=SiteKey(bytes(32)),
                      seed=seed)  # fmt: skip
    return audit(corpora, chosen_audits(list(SHOWN)), LocalEngine())


def main() -> None:
    """Trains twice, audits twice, and prints both beside each other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--epochs", type=int, nargs=2, default=(2, 60))
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    train, holdout = arms(options.patients, options.seed)
    results = []
    for epochs in options.epochs:
        with tempfile.TemporaryDirectory() as folder:
            notes = sampled(train, epochs, options.seed, Path(folder), options.threads)
        results.append(audited(notes, train, holdout, options.seed))
    few, many = options.epochs
    print(f"{len(train)} notes of {options.patients} patients; {len(holdout)} of as many others as control\n")
    print(f"| audit | metric | {few} epochs | {many} epochs |\n|---|---|---|---|")
    for name, metrics in SHOWN.items():
        reports = [result.report(name) for result in results]
        print(f"| {name} | status | " + " | ".join(report.status for report in reports if report) + " |")
        for metric in metrics:
            cells = [str(r.metrics[metric]) if r and metric in r.metrics else "-" for r in reports]
            print(f"| | {metric} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
