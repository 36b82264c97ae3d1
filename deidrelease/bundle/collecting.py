"""What a bundle is made from: a finished run, or a corpus from elsewhere with the result of its audit.

Of a run only what its receipts call releasable is taken, and only as long as it hashes to what they say. The private
corpora are at hand for one purpose: to search for them in what is about to leave.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.artifacts import Receipt, canonical_json, sha256_text, survey
from deidrelease.auditing.result import AuditResult, read_result
from deidrelease.bundle.utility import releasable_utility
from deidrelease.errors import BundleError, Problem
from deidrelease.formats import open_corpus
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease.notes import Corpus
from deidrelease.privacy.guarantee import guarantee_document
from deidrelease.privacy.stated import guarantee_in

_CANNOT = "This cannot be released."
_NOTES, _RESULT = "notes.jsonl", "result.json"
_LAST = ("substitute", "annotate")
"""The stages whose notes would be released, the later one first."""


@dataclass(frozen=True, slots=True)
class Material:
    """What goes into a bundle, and what must not.

    Attributes:
        notes: Exactly what is to be released.
        result: The audit's result, and its bytes as they are on disk.
        result_bytes: See there.
        utility: What of the evaluation's result may leave, as bytes; None where there is none.
        receipts: Of the run, by stage, in its order; empty where there was no run.
        private: Arm to private corpus: `train`, and `holdout` and `dev` where there are any.
        label_map: What the labels of the private corpora mean.
        key: Of the site, under which the audit hashed the private corpora.
        detector_sha256: Of the tagger that the audits had as detector; None without one.
        differential_privacy: What the trainings promise, by stage; None where the language model promises nothing.
    """

    notes: Corpus
    result: AuditResult
    result_bytes: bytes = field(repr=False)
    utility: bytes | None = field(repr=False)
    receipts: Mapping[str, Receipt]
    private: Mapping[str, Corpus]
    label_map: LabelMap
    key: SiteKey
    detector_sha256: str | None
    differential_privacy: Mapping[str, object] | None = None

    def check_private(self) -> None:
        """Makes sure that the private corpora at hand are those that the audit read.

        Raises:
            BundleError: One is missing, or is another.
        """
        problems = []
        for arm in ("train", "holdout"):
            audited, here = self.result.corpora.get(arm), self.private.get(arm)
            if (audited is None) != (here is None):
                what = "was audited, and is not named here" if here is None else "was not part of the audit"
                problems.append(Problem(arm, what, "name the private corpora that the audit was given, and no others"))
            elif (
                audited is not None and here is not None and self.key.digest("corpus", here.digest()) != audited.digest
            ):
                remedy = "name the corpora and the site's key that the audit was given, or audit again"
                problems.append(
                    Problem(arm, "is not the corpus that was audited, or this is another site's key", remedy)
                )
        if problems:
            raise BundleError("Nobody knows what to search for in the bundle's files.", problems)


def from_run(run_dir: Path, receipts: Mapping[str, Receipt], label_map: LabelMap, key: SiteKey) -> Material:
    """Takes a finished run.

    Args:
        run_dir: Its folder.
        receipts: Of all its stages, each of them done.
        label_map: Of the run's corpus.
        key: Of the site.

    Raises:
        BundleError: A stage is missing, or what would be released is not marked releasable or has changed.
    """
    stage = next((name for name in _LAST if name in receipts), None)
    if stage is None or "audit" not in receipts or "split" not in receipts:
        problem = Problem(str(run_dir), "has not been run to its end", "deidrelease run, then status says done")
        raise BundleError(_CANNOT, [problem])
    _bytes(run_dir, receipts[stage], _NOTES, keep=False)
    result_bytes = _bytes(run_dir, receipts["audit"], _RESULT)
    result = read_result(run_dir / "audit" / _RESULT)
    private = {arm: open_corpus(run_dir / "split" / f"{arm}.jsonl", "jsonl") for arm in ("train", "dev", "holdout")}
    return Material(
        notes=open_corpus(run_dir / stage / _NOTES, "jsonl"),
        result=result,
        result_bytes=result_bytes,
        utility=releasable_utility(_bytes(run_dir, receipts["evaluate"], _RESULT)) if "evaluate" in receipts else None,
        receipts=receipts,
        private=private,
        label_map=label_map,
        key=key,
        detector_sha256=receipts["annotator"].digest() if result.settings.get("tagger") else None,
        differential_privacy=promises_of(run_dir),
    )


def promises_of(run_dir: Path) -> dict[str, object] | None:
    """What the trainings of a run promise; None without a guarantee for the language model that wrote the notes.

    An annotator without one is null: it labelled the notes, and nothing bounds what its labels tell.

    Raises:
        PrivacyError: A guarantee is damaged, or its epsilon is not that of its events.
    """
    stated = {stage: guarantee_in(run_dir / stage) for stage in ("adapt", "annotator")}
    if stated["adapt"] is None:
        return None
    return {stage: None if made is None else guarantee_document(made) for stage, made in stated.items()}


def from_audit(
    notes: Corpus,
    result: Path,
    private: Mapping[str, Corpus],
    label_map: LabelMap,
    key: SiteKey,
    tagger: Path | None,
) -> Material:
    """Takes a corpus that came from elsewhere, and what `deidrelease audit` found in it.

    Raises:
        BundleError: The audit had a tagger as detector and none is named here, or the other way round.
    """
    found = read_result(result)
    if bool(found.settings.get("tagger")) != (tagger is not None):
        had = "had a tagger as detector" if tagger is None else "had no tagger as detector"
        raise BundleError(_CANNOT, [Problem("--tagger", f"the audit {had}", "say the same as at the audit")])
    return Material(
        notes=notes,
        result=found,
        result_bytes=result.read_bytes(),
        utility=None,
        receipts={},
        private=private,
        label_map=label_map,
        key=key,
        detector_sha256=None if tagger is None else folder_digest(tagger),
    )


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and digests of a folder's files; of a stage's folder what its receipt says."""
    files = survey(folder, frozenset())
    return sha256_text(canonical_json({name: output.sha256 for name, output in files.items()}))


def require_done(states: Iterable[tuple[str, str, str]]) -> None:
    """Makes sure that a run is finished; `states` holds stage, state and why.

    Raises:
        BundleError: A stage is not done; lists all of them.
    """
    problems = [
        Problem(stage, f"is {state}: {why}", "deidrelease run") for stage, state, why in states if state != "done"
    ]
    if problems:
        raise BundleError("The run is not finished.", problems)


def _bytes(run_dir: Path, receipt: Receipt, name: str, *, keep: bool = True) -> bytes:
    """A file of a stage, if it may leave and is what the receipt says."""
    output, path = receipt.outputs.get(name), run_dir / receipt.stage / name
    if output is None or output.visibility != "releasable":
        remedy = "run with settings under which this stage's notes are the last ones"
        raise BundleError(_CANNOT, [Problem(str(path), "is not marked releasable", remedy)])
    sha, parts = hashlib.sha256(), []
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                sha.update(block)
                if keep:
                    parts.append(block)
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror})", "run again")
        raise BundleError(_CANNOT, [problem]) from None
    if sha.hexdigest() != output.sha256:
        raise BundleError(_CANNOT, [Problem(str(path), "is not what its receipt says", "run again")])
    return b"".join(parts)


def in_order(private: Mapping[str, Corpus]) -> Sequence[Corpus]:
    """The private corpora, always in one order."""
    return [private[arm] for arm in sorted(private)]
