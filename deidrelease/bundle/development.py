"""Development notes, on which training stopped early: no audit of a run has looked for them in the synthetic ones.

The audits compare training notes with the hold-out. What is released must not quote a development note either, so
before signing the same two audits that cover the notes' texts are asked once more, with the development notes in the
place of the training notes: nothing that chance does not explain may be there.
"""

from deidrelease.auditing.running import audit
from deidrelease.bundle.collecting import Material
from deidrelease.contracts import Corpora, installed_audits
from deidrelease.engine import LocalEngine
from deidrelease.results import AuditReport

AUDITS = ("verbatim", "pii_replay")


def found_of_dev(material: Material) -> tuple[str, ...]:
    """What of the development notes stands in the notes beyond chance, a sentence each; empty where nothing does.

    Raises:
        AuditError: An audit is not installed as it should be.
        CorpusError: Development and hold-out notes share patients, or a label has no meaning.
    """
    dev = material.private.get("dev")
    if dev is None or next(iter(dev), None) is None:
        return ()
    corpora = Corpora(
        synthetic=material.notes,
        train=dev,
        holdout=material.private.get("holdout"),
        label_map=material.label_map,
        language=None,
        tagger=None,
        key=material.key,
        seed=material.result.seed,
    )
    installed = installed_audits()
    asked = {name: installed[name]() for name in AUDITS if name in installed}
    reports = {report.audit: report for report in audit(corpora, asked, LocalEngine()).audits}
    return tuple(sentence for name in AUDITS if (sentence := _told(name, reports.get(name))))


def _told(name: str, report: AuditReport | None) -> str:
    """A small development set makes an audit inconclusive; what it finds decisive needs no power."""
    decisive = report.metrics.get("decisive") if report is not None and report.status != "failed" else None
    if decisive is None:
        return f"{name} could not be asked about the development notes"
    if decisive.value > 0:
        return f"{name} finds {decisive.value:g} piece(s) of development notes that no chance explains"
    return ""
