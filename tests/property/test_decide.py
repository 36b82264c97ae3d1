"""Whatever the policy and the numbers: asking for more, or measuring worse, never turns blocked into pass."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from made.audit_results import DIGEST, report_of, result_of
from made.policies import DAY, TODAY, policy_of, sha256, waiver_of

from deidrelease.auditing.result import AuditResult
from deidrelease.policy import Policy, Waiver, decide
from deidrelease.policy.files import PolicyFile
from deidrelease.policy.resolving import asks_for_less, resolved
from deidrelease.policy.tightening import loosenings

BAD_UP, BAD_DOWN = "membership.auc", "verbatim.p_value"
"""The first is bounded from above only, the second from below only, so that it is plain what is worse."""
METRICS = (BAD_UP, BAD_DOWN, "linkage.decisive")
_GRID = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    metric = draw(st.sampled_from(METRICS))
    return {
        "metric": metric,
        "judge": draw(st.sampled_from(["low", "value", "high"])),
        ("at_least" if metric == BAD_DOWN else "at_most"): draw(_GRID),
        "severity": draw(st.sampled_from(["warn", "block"])),
        "waivable": draw(st.sampled_from([True, True, False])),
        "because": "it has to be",
    }


@st.composite
def policies(draw: st.DrawFn, name: str = "small") -> Policy:
    told = {f"r{number}": rule for number, rule in enumerate(draw(st.lists(rules(), min_size=1, max_size=3)))}
    told["always"] = {"metric": BAD_UP, "at_most": 2.0}
    requires = draw(st.sets(st.sampled_from(["membership", "verbatim", "linkage", "diversity"])))
    waivers = {"max_days": draw(st.sampled_from([0, 10, 30, 30]))}
    return policy_of(told, name=name, requires=sorted(requires), waivers=waivers)


@st.composite
def spreads(draw: st.DrawFn) -> tuple[float, float, float]:
    low, value, high = sorted(draw(st.lists(_GRID, min_size=3, max_size=3)))
    return low, value, high


@st.composite
def results(draw: st.DrawFn) -> AuditResult:
    statuses = st.sampled_from(["measured"] * 30 + ["inconclusive", "failed"])
    reports = []
    for audit, metric in (("membership", "auc"), ("verbatim", "p_value"), ("linkage", "decisive"), ("diversity", "x")):
        if draw(st.integers(0, 30)):
            there = bool(draw(st.integers(0, 30)))
            reports.append(report_of(audit, {metric: draw(spreads())} if there else {}, draw(statuses)))
    return result_of(*reports, scanned=draw(st.sampled_from([10] * 30 + [9])))


@st.composite
def waiver_lists(draw: st.DrawFn) -> list[Waiver]:
    names = draw(st.sampled_from([[], [], ["r0"], ["r0", "r1"], ["r0", "r1", "r2"], ["r1", "none"]]))
    good = st.sampled_from([True] * 15 + [False])
    return [
        waiver_of(
            rule, id=f"w-{number}", expires=TODAY + draw(st.sampled_from([5, 5, 5, 20, 40])) * DAY,
            data_digest=DIGEST if draw(good) else sha256("other"), approver="Bo Alm" if draw(good) else "Ada Ek",
        )
        for number, rule in enumerate(names)
    ]  # fmt: skip


def passes(policy: Policy, result: AuditResult, waivers: list[Waiver]) -> bool:
    return decide(policy, result, waivers, TODAY).passed


def tightened(draw: Any, policy: Policy) -> Policy:
    """`policy` with one thing, or several, asked for more strictly."""
    told = policy.model_dump()
    for rule in told["rules"].values():
        if draw(st.booleans()):
            continue
        strict = ["high", "value", "low"] if rule["metric"] == BAD_DOWN else ["low", "value", "high"]
        rule["judge"] = draw(st.sampled_from(strict[strict.index(rule["judge"]) :]))
        if rule["at_most"] is not None:
            rule["at_most"] -= draw(_GRID)
        if rule["at_least"] is not None:
            rule["at_least"] += draw(_GRID)
        rule["severity"] = draw(st.sampled_from(["block", rule["severity"]]))
        rule["waivable"] = rule["waivable"] and draw(st.booleans())
    told["requires"] = sorted({*told["requires"], *draw(st.sets(st.sampled_from(["linkage", "diversity"])))})
    told["waivers"]["max_days"] = draw(st.sampled_from([0, told["waivers"]["max_days"]]))
    return Policy.model_validate(told)


def worsened(draw: Any, result: AuditResult) -> AuditResult:
    """`result` with numbers moved the bad way, dropped, of nobody, or audits gone, failed, inconclusive or others."""
    reports = []
    # Mostly one audit alone: where all are worse at once, one fault hides behind another.
    only = draw(st.sampled_from([*(report.audit for report in result.audits)] * 2 + ["all"]))
    for report in result.audits:
        kinds = ["moved", "moved", "dropped", "of nobody", "failed", "inconclusive", "gone", "version", "settings"]
        # Nothing is worse than failed: it blocks whoever asks, and what is inconclusive only those who asked for it.
        chosen = only in (report.audit, "all") and report.status != "failed"
        kind = draw(st.sampled_from(kinds)) if chosen else "same"
        if kind == "gone":
            continue
        if kind in ("failed", "inconclusive"):
            report = replace(report, status=kind)
        if kind == "dropped":
            report = replace(report, metrics={})
        if kind == "version":
            report = replace(report, version=report.version + draw(st.sampled_from([-1, 1])))
        if kind == "settings":
            report = replace(report, settings={**report.settings, "alpha": 1e-300, "near": 2.0, "sampled": 1})
        if kind == "of nobody":
            report = replace(report, metrics={name: replace(each, n=0) for name, each in report.metrics.items()})
        if kind == "moved":
            far = -draw(_GRID) if report.audit == "verbatim" else draw(_GRID)
            moved = {
                name: replace(each, low=each.low + far, value=each.value + far, high=each.high + far)
                for name, each in report.metrics.items()
            }
            report = replace(report, metrics=moved)
        reports.append(report)
    return replace(result, audits=tuple(reports), scanned=result.scanned - draw(st.sampled_from([0] * 5 + [1])))


@settings(max_examples=150, deadline=None)
@given(st.data(), policies(), results(), waiver_lists())
def test_tightening_never_turns_blocked_into_pass(
    data: st.DataObject, policy: Policy, result: AuditResult, waivers: list[Waiver]
) -> None:
    stricter = tightened(data.draw, policy)
    assert list(loosenings(policy, stricter)) == []
    assert passes(policy, result, waivers) or not passes(stricter, result, waivers)


@settings(max_examples=300, deadline=None)
@given(st.data(), policies(), results(), waiver_lists())
def test_worse_numbers_never_turn_blocked_into_pass(
    data: st.DataObject, policy: Policy, result: AuditResult, waivers: list[Waiver]
) -> None:
    worse = worsened(data.draw, result)
    assert passes(policy, result, waivers) or not passes(policy, worse, waivers)


@settings(max_examples=60, deadline=None)
@given(st.data(), policies(), results(), waiver_lists())
def test_order_does_not_matter(data: st.DataObject, policy: Policy, result: AuditResult, waivers: list[Waiver]) -> None:
    told = policy.model_dump()
    told["rules"] = dict(data.draw(st.permutations(list(told["rules"].items()))))
    other = replace(result, audits=tuple(data.draw(st.permutations(result.audits))))
    shuffled = data.draw(st.permutations(waivers))
    assert decide(Policy.model_validate(told), other, shuffled, TODAY) == decide(policy, result, waivers, TODAY)


@settings(max_examples=120, deadline=None)
@given(st.data(), policies("one"), policies("two"), results(), waiver_lists())
def test_a_child_never_passes_what_a_parent_blocks(
    data: st.DataObject, one: Policy, two: Policy, result: AuditResult, waivers: list[Waiver]
) -> None:
    """Waivers are for one policy by its name; here each is readdressed, and speaks of rules that all of them have."""
    said = {"at_most": _GRID, "at_least": _GRID, "judge": st.sampled_from(["low", "value", "high"])}
    own = {"r0": data.draw(st.fixed_dictionaries({}, optional=said))}
    file = PolicyFile.model_validate({"name": "child", "version": "1.0.0", "rules": own})
    try:
        child = Policy.model_validate(resolved(file, [one, two]))
    except ValueError:
        return
    if asks_for_less(child, [one, two]):
        return
    common = one.rules.keys() & two.rules.keys()
    fitting = [waiver for waiver in waivers if waiver.rule in common]

    def judged(policy: Policy) -> bool:
        return passes(policy, result, [each.model_copy(update={"policy": policy.name}) for each in fitting])

    assert all(judged(parent) for parent in (one, two)) or not judged(child)


@settings(max_examples=120, deadline=None)
@given(policies(), policies(), results())
def test_what_is_not_looser_in_anything_passes_nothing_more(old: Policy, new: Policy, result: AuditResult) -> None:
    if not list(loosenings(old, new)):
        assert passes(old, result, []) or not passes(new, result, [])


@settings(max_examples=60, deadline=None)
@given(policies(), results(), waiver_lists())
def test_the_outcome_is_what_its_parts_say(policy: Policy, result: AuditResult, waivers: list[Waiver]) -> None:
    from deidrelease.policy import parse_verdict, verdict_bytes, verdict_document
    from deidrelease.signing.strict_json import parse_strict

    verdict = decide(policy, result, waivers, TODAY)
    assert verdict.passed == (not verdict.blocking and not verdict.refused_waivers)
    assert (verdict.outcome == "pass-with-waivers") == (verdict.passed and bool(verdict.waived))
    assert parse_verdict(verdict_document(verdict)) == verdict
    assert parse_verdict(parse_strict(verdict_bytes(verdict), "the verdict")) == verdict
