"""Policies: what audits must have found before anything leaves, who may make an exception, and what follows.

`decide` is the only thing that makes a verdict. Nothing here imports numpy or anything heavier: whoever verifies a
release decides again with this code, on a machine that has little else.
"""

from deidrelease.policy.deciding import decide
from deidrelease.policy.reading import find_policy, load_policy, raw_bytes, read_resolved
from deidrelease.policy.rules import Policy, Rule
from deidrelease.policy.shipped import shipped
from deidrelease.policy.verdicts import VERDICT_FORMAT, parse_verdict, read_verdict, verdict_bytes, verdict_document
from deidrelease.policy.waivers import Waiver, WaiverClaim, open_waivers

__all__ = [
    "VERDICT_FORMAT",
    "Policy",
    "Rule",
    "Waiver",
    "WaiverClaim",
    "decide",
    "find_policy",
    "load_policy",
    "open_waivers",
    "parse_verdict",
    "raw_bytes",
    "read_resolved",
    "read_verdict",
    "shipped",
    "verdict_bytes",
    "verdict_document",
]
