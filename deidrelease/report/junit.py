"""The verdict as JUnit XML: a case for each demand, so that every CI can list them."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from deidrelease.report.demands import Demand, demands_of, one_line
from deidrelease.results import Verdict


def junit(verdict: Verdict, justifications: Mapping[str, str] | None = None) -> str:
    """A document of one suite.

    A broken rule is a failure, of type `warning` where it does not block; what could not be judged, and a waiver that
    counts for nothing, is an error; a waived rule is skipped with the reason.

    Args:
        verdict: What the policy says.
        justifications: Waiver id to what it says.
    """
    demands = demands_of(verdict, justifications)
    states = [demand.state for demand in demands]
    counts = {
        "tests": str(len(demands)),
        "failures": str(states.count("broken") + states.count("warning")),
        "errors": str(states.count("unjudged") + states.count("refused")),
        "skipped": str(states.count("waived")),
    }
    root = ET.Element("testsuites", {"name": "deidrelease gate", **counts})
    name = f"{one_line(verdict.policy)} {one_line(verdict.policy_version)}: {verdict.outcome}"
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    for demand in demands:
        _add_case(suite, one_line(verdict.policy), demand)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_case(suite: ET.Element, policy: str, demand: Demand) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": policy, "name": demand.rule})
    if demand.state == "kept":
        return
    if demand.state == "waived":
        reason = f"waived by {demand.waiver}: {demand.justification}".rstrip(": ")
        ET.SubElement(case, "skipped", {"message": reason}).text = demand.sentence()
        return
    kind = "failure" if demand.state in ("broken", "warning") else "error"
    ET.SubElement(case, kind, {"message": demand.what, "type": demand.state}).text = demand.sentence()
