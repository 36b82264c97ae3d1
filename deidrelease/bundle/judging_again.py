"""The verdict decided once more, from the bundle's own result, policy and waivers, and the report drawn once more.

Two days count. On the day of the release the verdict has to come out as the one in the bundle; today it still has to
pass, which it does not where a waiver has expired since.
"""

from collections.abc import Sequence
from datetime import date

from deidrelease.bundle import layout
from deidrelease.bundle.evidence import Question, Read
from deidrelease.bundle.moments import parse_moment
from deidrelease.errors import DeidReleaseError
from deidrelease.policy import decide, open_waivers
from deidrelease.policy.verdicts import parse_verdict
from deidrelease.results import Verdict
from deidrelease.signing.trust import TrustedKey

_DRAWN_FROM = (
    layout.RELEASE,
    layout.RESULT,
    layout.UTILITY,
    layout.RESOLVED,
    layout.WAIVERS,
    layout.VERDICT,
    layout.RECEIPTS,
)
_NEEDED = frozenset(_DRAWN_FROM) - {layout.UTILITY}


def judge_again(question: Question, read: Read) -> Verdict | None:
    """What the policy says of the result today; notes whatever speaks against the release."""
    findings = question.findings
    _check_policy(question, read)
    if read.result is None or read.policy is None or layout.WAIVERS not in read.parsed:
        findings.not_checked(layout.VERDICT, "a result, a policy or waivers that can be read")
        return None
    keys = question.trust.keys_with("waiver")
    then = _decided(question, read, keys, parse_moment(read.manifest.created).date())
    # A key that has ended may be anybody's by now, and a claim tells its own day of issue.
    today = _decided(question, read, [key for key in keys if key.valid_at(question.now)], question.now.date())
    if then is None or today is None:
        return None
    _check_same(question, read, then)
    if not today.signable:
        findings.fail("not-signable", layout.RESOLVED, "is a policy under which nothing may be released")
    if not today.passed:
        reasons = [f"{j.rule}: {j.what}" for j in today.blocking]
        reasons += [f"waiver {name}: {why}" for name, why in today.refused_waivers.items()]
        for reason in reasons or ["it passes nothing"]:
            findings.fail("verdict-blocked", layout.VERDICT, reason)
    return today


def check_report(question: Question, read: Read) -> None:
    """Draws the page from the bundle's documents and compares the bytes."""
    from deidrelease.report.release_page import ReportError, render

    findings = question.findings
    written = read.contents.documents.get(layout.REPORT)
    if written is None or not read.parsed.keys() >= _NEEDED:
        findings.not_checked(layout.REPORT, "the documents that it is drawn from")
        return
    documents = {path: read.parsed[path] for path in _DRAWN_FROM if path in read.parsed}
    digests = {file.path: file.sha256 for file in read.manifest.files if file.path != layout.REPORT}
    try:
        drawn = render(documents, digests).encode("utf-8")
    except (ReportError, UnicodeError) as error:
        findings.fail("report-differs", layout.REPORT, f"cannot be drawn from the documents ({type(error).__name__})")
        return
    if drawn != written:
        findings.fail("report-differs", layout.REPORT, "is not the page that the bundle's documents give")


def _check_policy(question: Question, read: Read) -> None:
    if read.policy is None:
        question.findings.not_checked("the policy's digest", "a resolved policy that can be read")
    elif read.policy.sha256() not in question.trust.policies:
        what = f"{read.policy.name} {read.policy.version} ({read.policy.sha256()}) is no policy that you trust"
        question.findings.fail("policy-not-allowed", layout.RESOLVED, what)


def _decided(question: Question, read: Read, keys: Sequence[TrustedKey], day: date) -> Verdict | None:
    if read.policy is None or read.result is None:
        return None
    data = read.contents.documents[layout.WAIVERS]
    try:
        waivers, refused = open_waivers(data, keys, day)
    except DeidReleaseError as error:
        question.findings.fail("document", layout.WAIVERS, "; ".join(p.what for p in error.problems))
        return None
    return decide(read.policy, read.result, waivers, day, refused)


def _check_same(question: Question, read: Read, then: Verdict) -> None:
    findings = question.findings
    if layout.VERDICT not in read.parsed:
        findings.not_checked(layout.VERDICT, "a verdict that can be read")
        return
    try:
        written = parse_verdict(read.parsed[layout.VERDICT])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        findings.fail("document", layout.VERDICT, str(error) if type(error) is ValueError else "is no verdict")
        return
    # To the last word: the report shows its sentences, and a true number beside a false one is a lie too.
    if written != then:
        what = f"says {written.outcome}; decided again from the bundle it differs ({then.outcome})"
        findings.fail("verdict-differs", layout.VERDICT, what)
