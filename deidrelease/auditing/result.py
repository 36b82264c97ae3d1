"""The result of a run of audits, as a value and as the document that may leave the site.

The document is read back as strictly as it is written: a result that cannot be understood whole is no result, because
whoever decides by half of one lets the other half pass.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from deidrelease.contracts import Finding
from deidrelease.errors import ArtifactError, Problem
from deidrelease.results import AuditReport, Estimate, Status
from deidrelease.signing.strict_json import MOST_BYTES, StrictJsonError, parse_strict

RESULT_FORMAT = "deidrelease.audit-result/1"
ARMS = ("synthetic", "train", "holdout")


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """A corpus in numbers.

    Attributes:
        digest: SHA-256 over its canonical lines; of a private corpus the HMAC of that under the site's key.
        keyed: Whether the digest is the keyed one.
        notes: How many.
        patients: How many.
    """

    digest: str
    keyed: bool
    notes: int
    patients: int


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What a run of audits found.

    Attributes:
        version: Of deidrelease.
        seed: Of whatever was random.
        settings: What decided the result besides corpora, seed and the audits' own settings.
        corpora: Arm to facts; no `holdout` where there was none.
        scanned: Notes that every audit that asked for their arm has seen.
        total: Notes of all arms that any audit asked for; a result with fewer scanned is not whole.
        audits: One report each, in the order in which they ran.
        family: Audit to p-value, Holm-adjusted over all that have one.
        findings: The evidence, private; never part of the document, and empty in a result that was read back.
    """

    version: str
    seed: int
    settings: Mapping[str, object]
    corpora: Mapping[str, CorpusFacts]
    scanned: int
    total: int
    audits: tuple[AuditReport, ...]
    family: Mapping[str, float]
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    def document(self) -> dict[str, Any]:
        """All that may leave, as JSON values, in a fixed order; equal results give equal documents."""
        return {
            "format": RESULT_FORMAT,
            "version": self.version,
            "seed": self.seed,
            "settings": dict(self.settings),
            "corpora": {arm: asdict(self.corpora[arm]) for arm in ARMS if arm in self.corpora},
            "scanned": self.scanned,
            "total": self.total,
            "audits": [asdict(report) for report in self.audits],
            "family": {"method": "Holm 1979, over every p-value of this run", "adjusted": dict(self.family)},
        }

    def report(self, audit: str) -> AuditReport | None:
        """The report of `audit`; None where it did not run."""
        return next((report for report in self.audits if report.audit == audit), None)


def read_result(path: Path) -> AuditResult:
    """Reads a `result.json`.

    Raises:
        ArtifactError: It is missing, of an unknown format, or not whole.
    """
    try:
        with path.open("rb") as stream:
            document = parse_strict(stream.read(MOST_BYTES + 1), "it")
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    except StrictJsonError as error:
        raise _unusable(path, f"cannot be read in one way only: {error}") from None
    try:
        return parse_result(document)
    except ValueError as error:
        raise _unusable(path, str(error)) from None


def parse_result(document: Any) -> AuditResult:
    """The result that a parsed `result.json` stands for.

    Raises:
        ValueError: It is of another format, or not whole; the message says which and quotes nothing.
    """
    written = document.get("format") if isinstance(document, dict) else None
    if written != RESULT_FORMAT:
        raise ValueError(f"is not of the format {RESULT_FORMAT}")
    try:
        return _result(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("lacks something, or holds something that does not belong there") from None


def _result(document: Mapping[str, Any]) -> AuditResult:
    _exactly(document, {"format", *(f.name for f in fields(AuditResult))} - {"findings"})
    _exactly(document["family"], {"method", "adjusted"})
    reports = tuple(_report(record) for record in document["audits"])
    if len({report.audit for report in reports}) < len(reports):
        raise ValueError("an audit stands twice")
    return AuditResult(
        version=_typed(document["version"], str),
        seed=_typed(document["seed"], int),
        settings=_typed(document["settings"], dict),
        corpora={_one_of(arm, ARMS): _facts(record) for arm, record in document["corpora"].items()},
        scanned=_typed(document["scanned"], int),
        total=_typed(document["total"], int),
        audits=reports,
        family={_typed(name, str): _share(p) for name, p in document["family"]["adjusted"].items()},
    )


def _facts(record: Mapping[str, Any]) -> CorpusFacts:
    _exactly(record, {f.name for f in fields(CorpusFacts)})
    kinds = {"digest": str, "keyed": bool, "notes": int, "patients": int}
    return CorpusFacts(**{name: _typed(record[name], kind) for name, kind in kinds.items()})


def _report(record: Mapping[str, Any]) -> AuditReport:
    _exactly(record, {f.name for f in fields(AuditReport)})
    texts = ("audit", "reason", "threat_model", "says", "does_not_say")
    return AuditReport(
        **{name: _typed(record[name], str) for name in texts},
        version=_typed(record["version"], int),
        status=_one_of(record["status"], get_args(Status)),
        metrics={name: _estimate(estimate) for name, estimate in record["metrics"].items()},
        control={name: _estimate(estimate) for name, estimate in record["control"].items()},
        p_value=None if record["p_value"] is None else _share(record["p_value"]),
        null=_typed(record["null"], dict),
        breakdown={
            table: {row: _typed(cell, str) for row, cell in cells.items()}
            for table, cells in record["breakdown"].items()
        },
        settings=_typed(record["settings"], dict),
        seed=_typed(record["seed"], int),
    )


def _estimate(record: Mapping[str, Any]) -> Estimate:
    _exactly(record, {f.name for f in fields(Estimate)})
    numbers = {name: _number(record[name]) for name in ("value", "low", "high", "confidence")}
    return Estimate(**numbers, n=_typed(record["n"], int), method=_typed(record["method"], str))


def _exactly(record: Mapping[str, Any], names: set[str]) -> None:
    if set(record) != names:
        raise ValueError("other keys than belong there")


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"is no {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError("is no number")
    return float(value)


def _share(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("is no probability")
    return number


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError("is none of those allowed")
    return value


def _unusable(path: Path, what: str) -> ArtifactError:
    remedy = "name the result.json that `deidrelease audit` wrote, or audit again with this version"
    return ArtifactError("The result cannot be used.", [Problem(str(path), what, remedy)])
