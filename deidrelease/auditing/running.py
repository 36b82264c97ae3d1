"""Runs audits one after the other; one that crashes is reported as failed, and the others still run."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from deidrelease import progress
from deidrelease.auditing.claims import flaw
from deidrelease.auditing.corpora import taken_in
from deidrelease.auditing.crashes import told
from deidrelease.auditing.plain import plain_conclusion, plain_values
from deidrelease.auditing.result import AuditResult, CorpusFacts
from deidrelease.contracts import Arm, Audit, Conclusion, Corpora, Finding, Shard
from deidrelease.engine import Engine
from deidrelease.errors import ArtifactError, ConfigError, CorpusError, ModelError, PrivacyError
from deidrelease.results import AuditReport
from deidrelease.scoring.families import holm

logger = logging.getLogger(__name__)
_MENDABLE = (ArtifactError, ConfigError, CorpusError, ModelError, PrivacyError)
"""What a user can mend in the input stops the run; anything else is the audit's own fault."""


def audit(corpora: Corpora, audits: Mapping[str, Audit], engine: Engine) -> AuditResult:
    """Runs `audits` over `corpora`.

    Args:
        corpora: All that an audit may read.
        audits: Name to audit; they run, and are reported, in this order.
        engine: Where scans run; it does not change the result.

    Returns:
        A report for every audit, whatever became of it.

    Raises:
        CorpusError: A corpus has defects or no notes, or train and hold-out share patients.
        DeidReleaseError: Something else in the input that the user can mend, such as a tagger that does not load.
    """
    corpora, facts = taken_in(corpora)
    runs = [_run(name, each, corpora, facts, engine) for name, each in audits.items()]
    reports = tuple(run.report for run in runs)
    scanned, total = _coverage(runs, facts)
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


@dataclass(frozen=True, slots=True)
class _Run:
    report: AuditReport
    seen: Mapping[Arm, int]
    findings: tuple[Finding, ...] = ()


def _run(name: str, audit: Audit, corpora: Corpora, facts: Mapping[Arm, CorpusFacts], engine: Engine) -> _Run:
    logger.info("%s: begins", name)
    watch = _Watch(name, {arm: facts[arm].notes if arm in facts else 0 for arm in audit.arms})
    settings: Mapping[str, object] = {}
    try:
        settings = plain_values(audit.settings())
        conclusion = plain_conclusion(_concluded(audit, corpora, engine, watch))
        if reason := _missed(watch) or flaw(audit, conclusion):
            conclusion = _failed(reason)
    except _MENDABLE:
        raise
    except Exception as error:  # noqa: BLE001  # whatever an audit raises, the others must run and the verdict block
        # The message stays here: it may quote a note.
        conclusion = _failed(told(error, audit))
    if conclusion.status == "failed":
        logger.warning("%s: failed: %s", name, conclusion.reason)
    logger.info("%s: %s", name, conclusion.status)
    return _Run(_report(name, audit, conclusion, settings, corpora.seed), dict(watch.seen), conclusion.findings)


def _concluded(audit: Audit, corpora: Corpora, engine: Engine, watch: "_Watch") -> Conclusion:
    with progress.step(f"{watch.audit}: indexing"):
        index = audit.index(corpora)
    with watch.showing():
        tally = engine.tally(audit, index, corpora, watch.note)
    with progress.step(f"{watch.audit}: concluding"):
        return audit.conclude(index, tally)


def _missed(watch: "_Watch") -> str:
    """Says which notes the scan never saw: a corpus that changed meanwhile, or an engine that lost a shard."""
    parts = [f"{watch.seen[arm]} of {notes} notes of {arm}" for arm, notes in watch.wanted.items()]
    short = any(watch.seen[arm] != notes for arm, notes in watch.wanted.items())
    return f"its scan saw {', '.join(parts)}; did a corpus change meanwhile?" if short else ""


def _failed(reason: str) -> Conclusion:
    return Conclusion(status="failed", reason=reason)


def _report(name: str, audit: Audit, conclusion: Conclusion, settings: Mapping[str, object], seed: int) -> AuditReport:
    return AuditReport(
        audit=name,
        version=audit.version,
        status=conclusion.status,
        reason=conclusion.reason,
        threat_model=audit.threat_model,
        metrics=conclusion.metrics,
        control=conclusion.control,
        p_value=conclusion.p_value,
        null=conclusion.null,
        breakdown=conclusion.breakdown,
        settings=settings,
        seed=seed,
        says=audit.says,
        does_not_say=audit.does_not_say,
    )


def _coverage(runs: list[_Run], facts: Mapping[Arm, CorpusFacts]) -> tuple[int, int]:
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


@dataclass(slots=True)
class _Watch:
    """Counts the notes that came through, and shows one step an arm."""

    audit: str
    wanted: Mapping[Arm, int]
    seen: dict[Arm, int] = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)
    _steps: dict[Arm, progress.Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = dict.fromkeys(self.wanted, 0)

    @contextmanager
    def showing(self) -> Iterator[None]:
        with self._stack:
            yield

    def note(self, shard: Shard) -> None:
        if shard.arm not in self._steps:
            self._stack.close()
            shown = progress.step(f"{self.audit}: {shard.arm}", self.wanted[shard.arm])
            self._steps[shard.arm] = self._stack.enter_context(shown)
        self.seen[shard.arm] += len(shard.notes)
        self._steps[shard.arm].advance(len(shard.notes))
        logger.debug("%s: %d notes of %s", self.audit, self.seen[shard.arm], shard.arm)
