"""A finished run of the flow's last stages, from real notes and real audits; seconds, as no model is trained.

The private notes are the fictitious hospital's; the synthetic ones are those of other patients of it, which is what a
perfect generator would give.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from deidrelease import artifacts
from deidrelease.artifacts import Receipt
from deidrelease.auditing.choosing import chosen_audits
from deidrelease.auditing.result import AuditResult
from deidrelease.auditing.running import audit
from deidrelease.auditing.writing import write_result
from deidrelease.bundle.about import About
from deidrelease.bundle.collecting import Material, from_run
from deidrelease.bundle.request import Request
from deidrelease.contracts import Corpora
from deidrelease.demo import hospital
from deidrelease.engine import LocalEngine
from deidrelease.formats import jsonl
from deidrelease.keys import SiteKey
from deidrelease.labels import load_label_map
from deidrelease.notes import Corpus, Held, Note
from deidrelease.policy import load_policy
from deidrelease.policy.judging import Waivers
from deidrelease.signing.key_files import public_key_of
from deidrelease.signing.trust import Demand, Role, TrustedKey, TrustPolicy

KEY = SiteKey(bytes(range(32)))
LABELS = load_label_map("demo")
PATIENTS = {"train": 90, "holdout": 90, "dev": 12}
POLICY = """\
# Small, for tests.
name: small
version: 1.0.0
title: A small policy
description: Absolute stops of the two audits that look for copies, and nothing else.
signable: true
approvals: 1
valid_days: 400
waivers: {max_days: 30}
requires: [verbatim, pii_replay]
statements:
  report-read: I have read the report.
rules:
  no-copies:
    metric: verbatim.decisive
    judge: high
    at_most: 0
    waivable: false
    because: What is copied is a patient's.
    source: made for a test
    remedy: Train less.
  no-identifiers:
    metric: pii_replay.decisive
    judge: high
    at_most: 0
    waivable: false
    because: An identifier names a patient.
    source: made for a test
    remedy: Put surrogates in their place.
  short-spans:
    metric: verbatim.longest_span_tokens
    judge: value
    at_most: 400
    severity: warn
    because: Long spans want a look.
    source: made for a test
    remedy: Look at them.
not_covered:
  - Everything else.
"""


@cache
def private_notes() -> Mapping[str, tuple[Note, ...]]:
    """Notes of the private patients by arm, Spanish."""
    notes = list(hospital.notes(sum(PATIENTS.values()), ["es"], seed=7))
    patients = list(dict.fromkeys(note.patient_id for note in notes))
    arms, first = {}, 0
    for arm, count in PATIENTS.items():
        chosen = set(patients[first : first + count])
        arms[arm] = tuple(note for note in notes if note.patient_id in chosen)
        first += count
    return arms


@cache
def synthetic_notes() -> tuple[Note, ...]:
    """Notes of 30 patients whom the private ones do not know, named as a generator names them."""
    notes = hospital.notes(30, ["es"], seed=8)
    return tuple(
        replace(note, note_id=f"syn-{number:06}", patient_id=f"syn-{number:06}", meta={})
        for number, note in enumerate(notes, 1)
    )


def corpus(name: str, notes: Iterable[Note]) -> Corpus:
    return Corpus(name, (Held(tuple(notes)),))


def audited(notes: Iterable[Note]) -> AuditResult:
    """What the two audits that look for copies find in `notes`."""
    private = private_notes()
    corpora = Corpora(
        synthetic=corpus("synthetic", notes),
        train=corpus("train", private["train"]),
        holdout=corpus("holdout", private["holdout"]),
        label_map=LABELS,
        language="es",
        tagger=None,
        key=KEY,
        seed=3,
    )
    return audit(corpora, chosen_audits(["verbatim", "pii_replay"]), LocalEngine())


@cache
def clean_result() -> AuditResult:
    return audited(synthetic_notes())


def write_run(run_dir: Path, notes: Iterable[Note] | None = None, result: AuditResult | None = None) -> None:
    """The stages `split`, `annotate` and `audit` of a run in `run_dir`, published with receipts."""
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "site.key").write_bytes(KEY.secret)
    released = synthetic_notes() if notes is None else tuple(notes)
    found = clean_result() if result is None else result
    private = private_notes()

    def split(folder: Path) -> None:
        for arm, those in private.items():
            jsonl.write(those, folder / f"{arm}.jsonl")

    _publish(run_dir, "split", split, frozenset())
    _publish(run_dir, "annotate", lambda folder: jsonl.write(released, folder / "notes.jsonl"), {"notes.jsonl"})
    _publish(run_dir, "audit", lambda folder: write_result(found, folder, KEY), {"result.json"})


def receipts_of(run_dir: Path) -> dict[str, Receipt]:
    found = {name: artifacts.read_receipt(run_dir / name) for name in ("split", "annotate", "audit")}
    return {name: receipt for name, receipt in found.items() if receipt is not None}


def _publish(run_dir: Path, stage: str, write: Callable[[Path], None], releasable: Iterable[str]) -> None:
    partial = run_dir / f".{stage}.partial"
    partial.mkdir()
    write(partial)
    receipt = Receipt(
        stage=stage,
        fingerprint=artifacts.sha256_text(stage),
        version=1,
        settings={"path": "/srv/clinic/notes"},
        inputs={},
        outputs=artifacts.survey(partial, frozenset(releasable)),
        seed=3,
        versions={"deidrelease": "0.1.0"},
        seconds=1.25,
        attempts=1,
        peak_memory_bytes=1,
    )
    artifacts.publish(partial, run_dir / stage, receipt)


def material_of(run_dir: Path) -> Material:
    return from_run(run_dir, receipts_of(run_dir), LABELS, KEY)


ABOUT = About(
    dataset="ward-notes",
    title="Notes of no ward",
    description="Invented notes.\nFor tests.",
    recipient="A group of researchers",
    publisher="A hospital",
    contact="releases@hospital.example",
    licence="CC-BY-4.0",
    languages=("es",),
)
NOW = datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)


def request_of(folder: Path, policy: str = POLICY, **other: Any) -> Request:
    """A request under `policy`, whose file is written into `folder`."""
    path = folder / "policy.yaml"
    path.write_text(policy, encoding="utf-8")
    said = {
        "about": ABOUT, "policy": load_policy(path), "policy_file": path.read_bytes(), "waivers": Waivers(),
        "waivers_file": b"[]", "now": NOW, "release_id": "5" * 32,
    }  # fmt: skip
    return Request(**{**said, **other})


@cache
def signer_of(name: str) -> Any:
    """A key of `name`, made for this process and in no file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner

    del name
    return CryptoSigner(Ed25519PrivateKey.generate())


def trust_of(request: Request, release: str = "release", approvers: tuple[str, ...] = ("eva",)) -> TrustPolicy:
    """Believes the keys of these names, and the policy of `request`."""
    roles: dict[str, Role] = {release: "release", **dict.fromkeys(approvers, "approval")}
    keys = tuple(
        TrustedKey(
            name, frozenset({role}), public_key_of(signer_of(name)), NOW.date(), NOW.date() + datetime.timedelta(900)
        )
        for name, role in roles.items()
    )
    require: frozenset[Demand] = frozenset({"release-audit", "simple-verification-result", "approval"})
    return TrustPolicy(keys, frozenset({request.policy.sha256()}), 1, require, 400, ABOUT.recipient)
