"""The verdict as SARIF 2.1.0, for whatever shows findings beside code.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, 2020. What GitHub reads of it is a subset: rule
ids that stay the same, a location with a line, and fingerprints.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from deidrelease.report.demands import Demand, demands_of, fingerprint, one_line, rule_id
from deidrelease.results import Verdict

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT = "deidreleaseDemand/v1"


def sarif(verdict: Verdict, uri: str, secret: str, justifications: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A log of one run: a rule for each demand, a result for each that is not kept. No snippets, no times.

    Args:
        verdict: What the policy says.
        uri: Relative URI of the judged result.json.
        secret: Key of the fingerprints.
        justifications: Waiver id to what it says.
    """
    demands = demands_of(verdict, justifications)
    found = [
        _result(verdict, index, demand, uri, secret) for index, demand in enumerate(demands) if demand.state != "kept"
    ]
    driver = {
        "name": "deidrelease",
        "version": version("deidrelease"),
        "rules": [_rule(verdict, demand) for demand in demands],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"deidrelease-gate/{one_line(verdict.policy)}"},
        "invocations": [{"executionSuccessful": True}],
        "results": found,
        "properties": _facts(verdict, demands),
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(verdict: Verdict, demand: Demand) -> dict[str, Any]:
    about = demand.metric or demand.rule
    return {
        "id": rule_id(verdict, demand),
        "shortDescription": {"text": _message(f"{demand.rule}: a demand on {about}")},
        "fullDescription": {"text": _message(demand.because or demand.rule)},
        "help": {"text": _message(_help(demand))},
        "defaultConfiguration": {"level": _level(demand)},
    }


def _help(demand: Demand) -> str:
    # A demand that is kept has nothing to be done about it.
    return f"{demand.because} What can be done: {demand.remedy}".strip() if demand.remedy else demand.because


def _result(verdict: Verdict, index: int, demand: Demand, uri: str, secret: str) -> dict[str, Any]:
    mark = fingerprint(verdict, demand, secret)
    result: dict[str, Any] = {
        "ruleId": rule_id(verdict, demand),
        "ruleIndex": index,
        "kind": "fail",
        "level": _level(demand),
        "message": {"text": _message(demand.sentence())},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}],
        "partialFingerprints": {_FINGERPRINT: mark, "primaryLocationLineHash": mark},
        "properties": {"state": demand.state},
    }
    if demand.waiver:
        justification = _message(demand.justification or f"waiver {demand.waiver}")
        suppression = {"kind": "external", "status": "accepted", "justification": justification}
        result["suppressions"] = [{**suppression, "properties": {"waiver": demand.waiver}}]
    return result


def _level(demand: Demand) -> str:
    return {"warning": "warning", "kept": "note", "waived": "error"}.get(demand.state, "error")


def _message(text: str) -> str:
    """As plain text: SARIF takes square brackets for links and braces for places to fill (3.11.5, 3.11.6)."""
    for character, escaped in (("\\", "\\\\"), ("[", "\\["), ("]", "\\]"), ("{", "{{"), ("}", "}}")):
        text = text.replace(character, escaped)
    return text


def _facts(verdict: Verdict, demands: tuple[Demand, ...]) -> dict[str, Any]:
    states = [demand.state for demand in demands]
    return {
        "outcome": verdict.outcome,
        "policy": one_line(verdict.policy),
        "policyVersion": one_line(verdict.policy_version),
        "policySha256": verdict.policy_sha256,
        "signable": verdict.signable,
        "dataDigest": one_line(verdict.data_digest),
        "demands": {state: states.count(state) for state in sorted(set(states))},
    }
