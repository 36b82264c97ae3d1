"""The audits once more, on the notes of a bundle, by whoever has the private corpora: do the numbers come out again?

With the site's key the private corpora can be told to be those of the audit, and whatever was drawn is drawn alike;
without it both have to be taken on trust. What an audit gave as exact has to come out equal, if its version and
settings are the same; any other number within the intervals. What the release promises of differential privacy is
computed again from the steps that it names, by the accountant: for that nothing private is needed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from typing import Literal, cast

from deidrelease.auditing.plain import plain_values
from deidrelease.auditing.result import AuditResult, read_result
from deidrelease.auditing.running import audit
from deidrelease.bundle.documents import DocumentError, read_document
from deidrelease.bundle.layout import RELEASE, RESULT
from deidrelease.bundle.promising import promises_of
from deidrelease.bundle.release_document import ReleaseDocument
from deidrelease.contracts import Audit, Corpora, Language, installed_audits
from deidrelease.engine import Engine
from deidrelease.errors import BundleError, Problem
from deidrelease.formats import open_corpus
from deidrelease.keys import SiteKey, new_key
from deidrelease.labels import LabelMap
from deidrelease.notes import Corpus
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.guarantee import SAME, events_of
from deidrelease.results import AuditReport, Estimate

_CANNOT = "The audits cannot be repeated."
_DRAWN_ALIKE = 1e-9
_DRAWN_ANEW = 0.02
"""How far shares and p-values may lie apart where another key draws other samples."""

Standing = Literal["equal", "within", "differs", "missing"]


@dataclass(frozen=True, slots=True)
class Again:
    """One number, then and now.

    Attributes:
        audit: Its audit; `release` for what the release document promises.
        metric: Its name; `status` for how the audit ended.
        then: What the bundle tells; None where it has no such number.
        now: What came out; None where nothing did.
        standing: `equal`; `within` the intervals; `differs`; or `missing`, on either side.
        remark: What else there is to say, such as another version.
    """

    audit: str
    metric: str
    then: Estimate | None
    now: Estimate | None
    standing: Standing
    remark: str = ""

    @property
    def good(self) -> bool:
        """Whether it came out again."""
        return self.standing in ("equal", "within")


@dataclass(frozen=True, slots=True)
class Rerun:
    """All numbers, then and now.

    Attributes:
        numbers: In the order of the bundle's result.
        corpora: Arm to whether it is the corpus that was audited; None where that cannot be told without the key.
    """

    numbers: tuple[Again, ...]
    corpora: Mapping[str, bool | None]

    @property
    def ok(self) -> bool:
        """Whether every number came out again, from corpora that are not known to be others."""
        return bool(self.numbers) and all(n.good for n in self.numbers) and False not in self.corpora.values()


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever repeats the audits has.

    Attributes:
        train: The private notes that the generator saw.
        holdout: Those that nothing saw; None where the audit had none.
        label_map: Of the private labels; None where the audit had none.
        key: The site's; None for one made for this run.
        tagger: The detector's folder; None where the audit had none.
        records: What the run noted down of itself, as in `Corpora`; audits that need it are inconclusive without.
    """

    train: Corpus
    holdout: Corpus | None
    label_map: LabelMap | None
    key: SiteKey | None
    tagger: Path | None
    records: Mapping[str, Path] = field(default_factory=dict)


def rerun(bundle: Path, given: Given, engine: Engine) -> Rerun:
    """Repeats every audit of the result in the folder `bundle`, which has been verified.

    Raises:
        BundleError: It is no folder; or what is given is not what the audit had: a label map, a tagger, a hold-out;
            or an audit of the result is not installed.
        PrivacyError: What the release promises cannot be read.
        ConfigError: It promises something, and the extra `dp` is not installed.
        DeidReleaseError: What an audit raises on input that can be mended.
    """
    if not bundle.is_dir():
        problem = Problem(str(bundle), "is no folder", "unpack it, verify the folder, and repeat the audits on that")
        raise BundleError(_CANNOT, [problem])
    then = read_result(bundle / RESULT)
    promised = tuple(_promised(bundle))
    _check(then, given)
    audits = _audits(then)
    now = audit(_corpora(bundle, then, given), audits, engine)
    numbers = tuple(again for report in then.audits for again in _compared(report, now, audits[report.audit], given))
    return Rerun((*numbers, *promised), _same_corpora(then, now, given))


def _promised(bundle: Path) -> Iterator[Again]:
    """Every epsilon of the release document, and what the accountant says of its steps."""
    try:
        release = read_document(ReleaseDocument, (bundle / RELEASE).read_bytes(), RELEASE)
    except (OSError, DocumentError, ValueError):
        problem = Problem(RELEASE, "cannot be read", "verify the bundle first")
        raise BundleError(_CANNOT, [problem]) from None
    told = release.privacy.differential_privacy
    for stage, stated in ({} if told is None else promises_of(told)).items():
        epsilon = epsilon_by_pld(events_of(stated), stated.delta)
        then, now = (Estimate(e, e, e, 0.95, stated.units, stated.accountant) for e in (stated.epsilon, epsilon))
        same = isclose(stated.epsilon, epsilon, rel_tol=SAME)
        yield Again("release", f"{stage} epsilon", then, now, "equal" if same else "differs")


def _check(then: AuditResult, given: Given) -> None:
    told = then.settings
    label_map = None
    if given.label_map is not None:
        label_map = {"name": given.label_map.name, "version": given.label_map.version}
    cases = (
        (
            told.get("label_map") == label_map,
            "--labels",
            "is not the label map of the audit, or its version is another",
        ),
        (
            bool(told.get("tagger")) == (given.tagger is not None),
            "--tagger",
            "is not as at the audit: with it, or without",
        ),
        (
            ("holdout" in then.corpora) == (given.holdout is not None),
            "--holdout",
            "is not as at the audit: with, or without",
        ),
    )
    problems = [
        Problem(where, what, "see audit/result.json: settings, corpora") for good, where, what in cases if not good
    ]
    if problems:
        raise BundleError(_CANNOT, problems)


def _audits(then: AuditResult) -> dict[str, Audit]:
    installed = installed_audits()
    if missing := [report.audit for report in then.audits if report.audit not in installed]:
        problems = [
            Problem(name, "is not installed here", "install what the bundle's lock file lists") for name in missing
        ]
        raise BundleError(_CANNOT, problems)
    return {report.audit: installed[report.audit]() for report in then.audits}


def _corpora(bundle: Path, then: AuditResult, given: Given) -> Corpora:
    return Corpora(
        synthetic=open_corpus(bundle / "data", "jsonl"),
        train=given.train,
        holdout=given.holdout,
        label_map=given.label_map,
        language=cast(Language | None, then.settings.get("language")),
        tagger=given.tagger,
        key=given.key or new_key(),
        seed=then.seed,
        records=given.records,
    )


def _compared(then: AuditReport, now: AuditResult, audit_: Audit, given: Given) -> Iterator[Again]:
    report = now.report(then.audit)
    if report is None or report.status != then.status:
        ended = "nothing" if report is None else report.status
        yield Again(then.audit, "status", None, None, "differs", f"was {then.status}, is {ended}")
    here = {} if report is None else report.metrics
    same = audit_.version == then.version and plain_values(audit_.settings()) == dict(then.settings)
    remark = "" if same else f"another version or other settings of {then.audit}"
    apart = _DRAWN_ALIKE if given.key is not None else _DRAWN_ANEW
    for name in dict.fromkeys((*then.metrics, *here)):
        one, other = then.metrics.get(name), here.get(name)
        yield Again(then.audit, name, one, other, _standing(one, other, same, apart), remark)


def _standing(then: Estimate | None, now: Estimate | None, same: bool, apart: float) -> Standing:
    if then is None or now is None:
        return "missing"
    if isclose(then.value, now.value, rel_tol=_DRAWN_ALIKE, abs_tol=_DRAWN_ALIKE):
        return "equal"
    exact = then.low == then.high
    if exact and same:
        # Counts have to be equal; what is drawn by a key differs a little under another one.
        is_count = then.value == int(then.value) and now.value == int(now.value)
        return "within" if not is_count and abs(then.value - now.value) <= apart else "differs"
    return "within" if then.low <= now.high and now.low <= then.high else "differs"


def _same_corpora(then: AuditResult, now: AuditResult, given: Given) -> dict[str, bool | None]:
    """Of the notes by their open digest; of private corpora by the keyed one, where there is the key."""
    found: dict[str, bool | None] = {}
    for arm, facts in then.corpora.items():
        comparable = given.key is not None or not facts.keyed
        found[arm] = now.corpora[arm].digest == facts.digest if comparable and arm in now.corpora else None
        if now.corpora.get(arm) is None or now.corpora[arm].notes != facts.notes:
            found[arm] = False
    return found
