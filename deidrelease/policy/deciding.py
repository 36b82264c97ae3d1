"""Holds a result against a policy: pure, closed, and the only thing that makes a verdict.

No clock, no file, no setting: equal arguments give an equal verdict, so that a recipient who decides again sees what
the sender saw. Whatever is missing, failed, inconclusive, partial, beyond belief or no number is *unjudged*, and that
blocks.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from deidrelease.auditing.result import ARMS, AuditResult
from deidrelease.labels import HIPAA_CLASSES
from deidrelease.policy.believing import TERMS, disbelief, doubts
from deidrelease.policy.rules import Policy, Rule
from deidrelease.policy.verdicts import outcome_of
from deidrelease.policy.waivers import Waiver, refusal, without_doubles
from deidrelease.results import AuditReport, Estimate, Judgement, Standing, Verdict

_AGAIN = "audit again, over all notes of the release and of the private corpus"
_CLOSED = "what nobody has measured cannot be released"
_LACKING = {
    "inconclusive": "give it what it lacks, and audit again",
    "failed": "find the cause in the log, mend it, and audit again",
}


def decide(
    policy: Policy,
    result: AuditResult,
    waivers: Sequence[Waiver] = (),
    now: datetime.date | None = None,
    refused: Mapping[str, str] | None = None,
) -> Verdict:
    """Holds `result` against `policy`; looks at nothing else, and passes nothing that it cannot see.

    Args:
        policy: Resolved.
        result: Of the audits.
        waivers: Those whose signatures were checked.
        now: The day of the decision, UTC; only waivers need it, so it may be left out where there are none.
        refused: Waivers that were turned away before, by id, and why: each of them blocks.

    Raises:
        ValueError: There are waivers and no day.
    """
    if waivers and now is None:
        raise ValueError("waivers count on a day: say which")
    digest = result.corpora["synthetic"].digest if "synthetic" in result.corpora else ""
    usable, doubled = without_doubles(waivers)
    turned_away = {**dict(refused or {}), **doubled}
    covering: dict[str, str] = {}
    for waiver in usable:
        reason = refusal(waiver, policy, digest, now) if now else ""
        if reason:
            turned_away[waiver.id] = reason
        else:
            covering.setdefault(waiver.rule, waiver.id)
    demands = (*_whole(result), *_measured(policy, result), *_covered(policy, result))
    judgements = (*demands, *_rules(policy, result, covering))
    return Verdict(
        outcome=outcome_of(judgements, turned_away),
        policy=policy.name,
        policy_version=policy.version,
        policy_sha256=policy.sha256(),
        signable=policy.signable,
        data_digest=digest,
        judgements=judgements,
        refused_waivers=dict(sorted(turned_away.items())),
        approvals=policy.approvals,
        statements=tuple(sorted(policy.statements)),
        valid_days=policy.valid_days,
    )


def _demand(rule: str, kept: bool, what: str, because: str, remedy: str) -> Judgement:
    """One that is not about a number: it is met, or nothing can be judged."""
    standing: Standing = "kept" if kept else "unjudged"
    return Judgement(rule, "", standing, "block", "", None, "", what, because, "" if kept else remedy)


def _whole(result: AuditResult) -> Iterator[Judgement]:
    scanned = f"{result.scanned:,} of {result.total:,} notes were scanned by every audit that wants them"
    asked = sum(facts.notes for arm, facts in result.corpora.items() if arm in _arms(result))
    if result.total < asked:
        scanned += f", and the corpora that they scan have {asked:,}"
    whole = result.scanned == result.total > 0 and result.total >= asked
    yield _demand("result.scanned", whole, scanned, "what was not looked at may hold anything", _AGAIN)
    yield _compared(result)
    if len({report.audit for report in result.audits}) < len(result.audits):
        yield _demand("result.audits", False, "an audit stands twice", "one of two results may be the better", _AGAIN)


def _compared(result: AuditResult) -> Judgement:
    """Both sides, and a hold-out where something was measured against one."""
    because, named = "an audit compares the release with the private notes", "both sides were audited"
    wanted = sorted({"synthetic", "train", *_arms(result)}, key=ARMS.index)
    missing = [arm for arm in wanted if arm not in result.corpora or result.corpora[arm].notes <= 0]
    told = [facts.digest for facts in result.corpora.values()]
    if missing:
        named = f"no {' and no '.join(missing)} notes were audited"
    elif len(set(told)) < len(told):
        named = "two of the corpora are the same notes, and nothing differs from itself"
    elif any(not 0 < facts.patients <= facts.notes for facts in result.corpora.values()):
        named = "a corpus has more patients than notes, or none"
    elif any(facts.keyed != (arm != "synthetic") for arm, facts in result.corpora.items()):
        named = "the digest of a private corpus is not keyed, or that of the synthetic one is"
    else:
        return _demand("result.corpora", True, named, because, "")
    return _demand("result.corpora", False, named, because, _AGAIN)


def _arms(result: AuditResult) -> set[str]:
    """The corpora that the audits of `result` have scanned."""
    measured = (report.audit for report in result.audits if report.status == "measured")
    return {arm for audit in measured if audit in TERMS for arm in TERMS[audit].arms}


def _measured(policy: Policy, result: AuditResult) -> Iterator[Judgement]:
    failed = {report.audit for report in result.audits if report.status == "failed"}
    for name in sorted({*policy.audits, *failed}):
        report = result.report(name)
        what = f"audit {name} {_state(report)}"
        yield _demand(f"audit.{name}", _is_measured(report), what, _CLOSED, _lacking(report))


def _lacking(report: AuditReport | None) -> str:
    if report is None:
        return "let it run, where this version has it, with whatever it needs installed"
    return _LACKING.get(report.status, "audit again, with this version and its own settings")


def _covered(policy: Policy, result: AuditResult) -> Iterator[Judgement]:
    for letter, told in sorted(policy.coverage.items()):
        missing = [metric for metric in told.by if _number(metric, result) is None]
        what = f"class {letter}, {HIPAA_CLASSES[letter]}: " + (
            f"{', '.join(missing)} is not there" if missing else told.how
        )
        because = "each of the eighteen classes of 45 CFR 164.514(b)(2)(i) is looked for, or is none that text can hold"
        yield _demand(f"coverage.{letter}", not missing, what, because, _AGAIN)


def _rules(policy: Policy, result: AuditResult, covering: Mapping[str, str]) -> Iterator[Judgement]:
    for name, rule in sorted(policy.rules.items()):
        estimate = _number(rule.metric, result)
        standing: Standing = "unjudged" if estimate is None else "kept" if rule.keeps(estimate) else "broken"
        yield Judgement(
            rule=name,
            metric=rule.metric,
            standing=standing,
            severity=rule.severity,
            judged=rule.judge,
            estimate=estimate,
            limit=rule.limit,
            what=_found(rule, estimate, result.report(rule.audit)),
            because=f"{rule.because} ({rule.source})" if rule.source else rule.because,
            remedy="" if standing == "kept" else rule.remedy,
            waiver=covering.get(name, "") if standing == "broken" and rule.waivable else "",
        )


def _found(rule: Rule, estimate: Estimate | None, report: AuditReport | None) -> str:
    if not _is_measured(report):
        return f"{rule.metric} is not judged: audit {rule.audit} {_state(report, brief=True)}"
    if estimate is None:
        told = report.metrics.get(rule.metric.partition(".")[2]) if report else None
        what = f"{_told(told)} {disbelief(rule.metric, told)}" if told else "the result has no such number"
        return f"{rule.metric} is not judged: {what}"
    return f"{rule.metric} is {_told(estimate)}; its {_END[rule.judge]} is judged"


_END = {"low": "lower end", "value": "value", "high": "upper end"}


def _told(estimate: Estimate) -> str:
    if estimate.low == estimate.high:
        return f"{estimate.value:.6g}"
    return f"{estimate.value:.6g} [{estimate.low:.6g}, {estimate.high:.6g}]"


def _state(report: AuditReport | None, brief: bool = False) -> str:
    if report is None:
        return "did not run"
    if report.status == "measured" and (doubt := "; it ".join(doubts(report))):
        return "is not to be believed" if brief else doubt
    return f"is {report.status}" + ("" if brief or not report.reason else f": {report.reason}")


def _is_measured(report: AuditReport | None) -> bool:
    return report is not None and report.status == "measured" and not any(doubts(report))


def _number(metric: str, result: AuditResult) -> Estimate | None:
    """The estimate, where the audit was measured and the numbers can be what they say."""
    audit, _, name = metric.partition(".")
    report = result.report(audit)
    if report is None or not _is_measured(report) or name not in report.metrics:
        return None
    estimate = report.metrics[name]
    return None if disbelief(metric, estimate) else estimate
