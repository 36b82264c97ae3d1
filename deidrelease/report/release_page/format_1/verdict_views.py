"""What the page tells of the verdict: the demands, what stops the release, and the waivers."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from deidrelease.report.release_page.format_1.figures import counted, estimate, exact, plain
from deidrelease.report.release_page.format_1.glosses import gloss
from deidrelease.report.release_page.format_1.shapes import Named, Plain
from deidrelease.report.release_page.format_1.wording import ENDS, OUTCOMES, STANDINGS
from deidrelease.signing.strict_json import parse_strict

_WAIVER_ORDER = ("rule", "justification", "requester", "approver", "issued", "expires", "finding", "data_digest")


def headline(verdict: Mapping[str, Any]) -> dict[str, str]:
    """The outcome in words, with what it means in a sentence."""
    style, sign, words = OUTCOMES[verdict["outcome"]]
    return {"style": style, "sign": sign, "words": words, "meaning": _meaning(verdict)}


def judgement_views(verdict: Mapping[str, Any], policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every demand, in the policy's order."""
    return [_judgement(judgement, policy) for judgement in verdict["judgements"]]


def grouped(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours that differ only in rule and finding become one, so that a reader reads each reason once."""
    groups: list[dict[str, Any]] = []
    for view in views:
        last = groups[-1] if groups else None
        if last and not view["metric"] and all(view[key] == last[key] for key in view if key not in ("rule", "what")):
            last["rules"].append((view["rule"], view["what"]))
        else:
            groups.append({**view, "rules": [(view["rule"], view["what"])]})
    return groups


def waiver_views(envelopes: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every waiver of the bundle, with what became of it."""
    used = {judgement["waiver"]: judgement["rule"] for judgement in verdict["judgements"] if judgement["waiver"]}
    return [_waiver(index, envelope, used, verdict["refused_waivers"]) for index, envelope in enumerate(envelopes)]


def approvals(verdict: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """Who has to sign what."""
    count = max(verdict["approvals"], policy["approvals"])
    texts = [(name, policy["statements"].get(name, "")) for name in verdict["statements"]]
    return {
        "count": counted(count, "person", "different people") if count else "none asked by the policy",
        "needed": bool(count),
        "statements": texts,
    }


def _meaning(verdict: Mapping[str, Any]) -> str:
    blocking = sum(_blocks(judgement) for judgement in verdict["judgements"]) + len(verdict["refused_waivers"])
    waived = sum(bool(judgement["waiver"]) for judgement in verdict["judgements"])
    if verdict["outcome"] == "blocked":
        stops = counted(blocking, "reason stops", "reasons stop")
        return f"{stops} this release. It must not be shared under this policy."
    if not verdict["signable"]:
        return "The policy is for trying things out and may release nothing, whatever its outcome."
    if verdict["outcome"] == "pass-with-waivers":
        return f"{counted(waived, 'broken rule is', 'broken rules are')} covered by a signed, dated waiver each."
    return "Every number that the policy asks for is there, and keeps its limit where it can stop a release."


def _blocks(judgement: Mapping[str, Any]) -> bool:
    if judgement["standing"] == "kept" or judgement["waiver"]:
        return False
    return bool(judgement["standing"] == "unjudged" or judgement["severity"] == "block")


def _judgement(judgement: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    sign, words = STANDINGS[judgement["standing"]]
    rule = policy["rules"].get(judgement["rule"])
    audit, _, metric = judgement["metric"].partition(".")
    return {
        **{key: judgement[key] for key in ("rule", "metric", "limit", "what", "because", "remedy", "waiver")},
        "sign": sign,
        "words": words,
        "standing": judgement["standing"],
        "blocks": _blocks(judgement),
        "warns": judgement["standing"] == "broken" and judgement["severity"] == "warn" and not judgement["waiver"],
        "severity": "can stop the release" if judgement["severity"] == "block" else "is only told",
        "found": _found(judgement),
        "gloss": gloss(audit, metric),
        "source": rule["source"] if rule and rule["source"] not in judgement["because"] else "",
        "waivable": "" if rule is None or rule["waivable"] else "no waiver can cover it",
    }


def _found(judgement: Mapping[str, Any]) -> str:
    record, end = judgement["estimate"], judgement["judged"]
    if record is None or not end:
        return ""
    judged = exact(record[end])
    if record["low"] == record["high"]:
        return judged
    return f"{judged} ({ENDS.get(end, 'value')} of {estimate(record)})"


def _waiver(
    index: int, envelope: Mapping[str, Any], used: Mapping[str, str], refused: Mapping[str, str]
) -> dict[str, Any]:
    record = _payload(index, envelope)
    name, place = plain(record.get("id", f"number {index + 1}")), f"number {index + 1}"
    order = [key for key in _WAIVER_ORDER if record.get(key) is not None]
    order += sorted(set(record) - set(_WAIVER_ORDER) - {"id", "format"})
    if name in refused or place in refused:
        became = f"refused: {refused.get(name) or refused.get(place)}"
    else:
        became = f"covers the rule {used[name]}" if name in used else "not needed: no rule was waived by it"
    return {"id": name, "facts": [(key, plain(record[key])) for key in order], "became": became}


def _payload(index: int, envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the waiver says, nothing where it cannot be read: such a one is refused, and the page says so.

    Its signature is verified by `verify`, not here.
    """
    try:
        record = parse_strict(b64decode(envelope["payload"], validate=True), "the waiver")
        Named(Plain()).check(record, f"policy/waivers.json[{index}]")
    except (KeyError, TypeError, ValueError):
        return {}
    return record  # type: ignore[no-any-return]
