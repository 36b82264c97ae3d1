"""Runs audits, in turn or side by side; one that crashes is reported as failed, and the others still run."""

from collections.abc import Mapping
from importlib.metadata import version

from deidrelease.auditing.corpora import taken_in
from deidrelease.auditing.result import AuditResult, CorpusFacts
from deidrelease.auditing.side_by_side import SideBySide
from deidrelease.auditing.single import AuditRun, finished, run_one
from deidrelease.contracts import Arm, Audit, Corpora
from deidrelease.engine import Engine, LocalEngine
from deidrelease.scoring.families import holm


def audit(corpora: Corpora, audits: Mapping[str, Audit], engine: Engine) -> AuditResult:
    """Runs `audits` over `corpora`.

    Several audits in several processes of this machine run side by side, each whole in one of them.

    Args:
        corpora: All that an audit may read.
        audits: Name to audit; they are reported in this order.
        engine: Where scans run; it does not change the result.

    Returns:
        A report for every audit, whatever became of it.

    Raises:
        CorpusError: A corpus has defects or no notes, or train and hold-out share patients.
        DeidReleaseError: Something else in the input that the user can mend, such as a tagger that does not load.
    """
    if isinstance(engine, LocalEngine) and min(engine.workers, len(audits)) > 1:
        # Entered before the corpora are read: the processes begin meanwhile.
        with SideBySide(audits, engine) as processes:
            corpora, facts = taken_in(corpora, too_large=processes.begin)
            runs = processes.run(corpora, facts)
    else:
        corpora, facts = taken_in(corpora)
        notes = {arm: each.notes for arm, each in facts.items()}
        runs = [finished(run_one(name, each, corpora, notes, engine), facts) for name, each in audits.items()]
    scanned, total = _coverage(runs, facts)
    reports = tuple(run.report for run in runs)
    return AuditResult(
        version=version("deidrelease"),
        seed=corpora.seed,
        settings=_settings(corpora),
        corpora={str(arm): each for arm, each in facts.items()},
        scanned=scanned,
        total=total,
        audits=reports,
        family=holm({report.audit: report.p_value for report in reports if report.p_value is not None}),
        findings=tuple(finding for run in runs for finding in run.findings),
    )


def _coverage(runs: list[AuditRun], facts: Mapping[Arm, CorpusFacts]) -> tuple[int, int]:
    """Notes that every audit that wants their arm has seen, and notes of the arms that any audit wants."""
    wanted = sorted({arm for run in runs for arm in run.seen if arm in facts})
    total = sum(facts[arm].notes for arm in wanted)
    return sum(min(run.seen[arm] for run in runs if arm in run.seen) for arm in wanted), total


def _settings(corpora: Corpora) -> dict[str, object]:
    label_map = corpora.label_map
    return {
        "label_map": None if label_map is None else {"name": label_map.name, "version": label_map.version},
        "language": corpora.language,
        "tagger": corpora.tagger is not None,
    }
