"""Runs one audit; where it crashes, its report says so, and nothing else stops."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from deidrelease import progress
from deidrelease.auditing.claims import flaw
from deidrelease.auditing.crashes import told
from deidrelease.auditing.plain import plain_conclusion, plain_values
from deidrelease.auditing.result import CorpusFacts
from deidrelease.contracts import Arm, Audit, Conclusion, Corpora, Finding, Shard
from deidrelease.engine import Engine
from deidrelease.errors import ArtifactError, ConfigError, CorpusError, ModelError, PrivacyError
from deidrelease.results import AuditReport

logger = logging.getLogger(__name__)
_MENDABLE = (ArtifactError, ConfigError, CorpusError, ModelError, PrivacyError)
"""What a user can mend in the input stops the run; anything else is the audit's own fault."""


@dataclass(frozen=True, slots=True)
class AuditRun:
    """What became of an audit.

    Attributes:
        report: Its place in the result.
        seen: Arm to how many of its notes the scan saw.
        findings: The evidence, private.
    """

    report: AuditReport
    seen: Mapping[Arm, int]
    findings: tuple[Finding, ...] = ()


def run_one(name: str, audit: Audit, corpora: Corpora, notes: Mapping[Arm, int], engine: Engine) -> AuditRun:
    """Indexes, scans and concludes.

    Args:
        name: In the report.
        audit: To run.
        corpora: To be audited.
        notes: How many each arm has, as far as that is known, to show how far the scan is.
        engine: Where the scan runs.

    Raises:
        DeidReleaseError: Something that the user can mend.
    """
    logger.info("%s: begins", name)
    watch = _Watch(name, audit.arms, notes)
    settings: Mapping[str, object] = {}
    try:
        settings = plain_values(audit.settings())
        conclusion = plain_conclusion(_concluded(audit, corpora, engine, watch))
        if reason := flaw(audit, conclusion):
            conclusion = _failed(reason)
    except _MENDABLE:
        raise
    except Exception as error:  # noqa: BLE001  # whatever an audit raises, the others must run and the verdict block
        # The message stays here: it may quote a note.
        conclusion = _failed(told(error, audit))
    return AuditRun(_report(name, audit, conclusion, settings, corpora.seed), dict(watch.seen), conclusion.findings)


def run_that_died(name: str, audit: Audit, seed: int, reason: str) -> AuditRun:
    """What stands for a run of which nothing came back."""
    try:
        settings = plain_values(audit.settings())
    except Exception:  # noqa: BLE001  # the run is lost already; what its settings were is not worth another crash
        settings = {}
    return AuditRun(_report(name, audit, _failed(reason), settings, seed), dict.fromkeys(audit.arms, 0))


def finished(run: AuditRun, facts: Mapping[Arm, CorpusFacts]) -> AuditRun:
    """`run`, if its scan saw every note that there is, else a failure: a corpus changed, or an engine lost a shard."""
    wanted = {arm: facts[arm].notes if arm in facts else 0 for arm in run.seen}
    if run.report.status != "failed" and wanted != run.seen:
        parts = ", ".join(f"{run.seen[arm]} of {notes} notes of {arm}" for arm, notes in wanted.items())
        reason = f"its scan saw {parts}; did a corpus change meanwhile?"
        report = replace(run.report, metrics={}, control={}, p_value=None, null={}, breakdown={})
        run = AuditRun(replace(report, status="failed", reason=reason), run.seen)
    if run.report.status == "failed":
        logger.warning("%s: failed: %s", run.report.audit, run.report.reason)
    logger.info("%s: %s", run.report.audit, run.report.status)
    return run


def _concluded(audit: Audit, corpora: Corpora, engine: Engine, watch: "_Watch") -> Conclusion:
    with progress.step(f"{watch.audit}: indexing"):
        index = audit.index(corpora)
    with watch.showing():
        tally = engine.tally(audit, index, corpora, watch.note)
    with progress.step(f"{watch.audit}: concluding"):
        return audit.conclude(index, tally)


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


@dataclass(slots=True)
class _Watch:
    """Counts the notes that came through, and shows one step an arm."""

    audit: str
    arms: tuple[Arm, ...]
    wanted: Mapping[Arm, int]
    seen: dict[Arm, int] = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)
    _steps: dict[Arm, progress.Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen = dict.fromkeys(self.arms, 0)

    @contextmanager
    def showing(self) -> Iterator[None]:
        with self._stack:
            yield

    def note(self, shard: Shard) -> None:
        if shard.arm not in self._steps:
            self._stack.close()
            shown = progress.step(f"{self.audit}: {shard.arm}", self.wanted.get(shard.arm))
            self._steps[shard.arm] = self._stack.enter_context(shown)
        self.seen[shard.arm] += len(shard.notes)
        self._steps[shard.arm].advance(len(shard.notes))
        logger.debug("%s: %d notes of %s", self.audit, self.seen[shard.arm], shard.arm)
