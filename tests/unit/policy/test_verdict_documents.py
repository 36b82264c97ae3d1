"""A verdict is read back as it was written; one that contradicts itself is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from made.audit_results import report_of, result_of
from made.policies import TODAY, policy_of, waiver_of

from deidrelease.errors import PolicyError
from deidrelease.policy import decide, read_verdict, verdict_bytes, verdict_document
from deidrelease.results import Verdict

POLICY = policy_of(
    {"auc": {"metric": "membership.auc", "at_most": 0.6}}, waivers={"max_days": 9}, statements={"s": "t"}
)


def verdict(*waivers: Any) -> Verdict:
    return decide(POLICY, result_of(report_of("membership", {"auc": (0.5, 0.7, 0.8)})), waivers, TODAY)


@pytest.mark.parametrize("waivers", [[], [waiver_of("auc")], [waiver_of("none")]])
def test_it_comes_back_as_it_went(waivers: list[Any], tmp_path: Path) -> None:
    before = verdict(*waivers)
    (tmp_path / "v.json").write_bytes(verdict_bytes(before))
    assert read_verdict(tmp_path / "v.json") == before
    (tmp_path / "v.json").write_text(json.dumps(verdict_document(before), indent=1))
    assert read_verdict(tmp_path / "v.json") == before


def changes() -> dict[str, dict[str, Any]]:
    document = verdict_document(verdict())
    [*others, last] = document["judgements"]
    kept = {**last, "standing": "kept"}
    return {
        "another format": {"format": "deidrelease.verdict/2"},
        "a pass that its parts deny": {"outcome": "pass"},
        "a waiver that nobody used": {"outcome": "pass-with-waivers"},
        "a block without a reason": {"judgements": [*others, kept]},
        "no judgements at all": {"judgements": [], "outcome": "pass"},
        "another outcome": {"outcome": "passed"},
        "another key": {"more": 1},
        "no text": {"policy": 3},
        "no number": {"approvals": True},
        "another standing": {"judgements": [*others, {**last, "standing": "fine"}]},
        "no estimate": {"judgements": [*others, {**last, "estimate": {"value": 1}}]},
        "no list": {"judgements": {}},
    }


@pytest.mark.parametrize("case", sorted(changes()))
def test_what_is_not_whole_is_refused(case: str, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text(json.dumps({**verdict_document(verdict()), **changes()[case]}))
    with pytest.raises(PolicyError, match=r"v\.json"):
        read_verdict(tmp_path / "v.json")


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'{"a":1,"a":2}', b"[" * 999])
def test_what_is_no_document_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(data)
    with pytest.raises(PolicyError):
        read_verdict(tmp_path / "v.json")
    with pytest.raises(PolicyError):
        read_verdict(tmp_path / "missing.json")


def test_a_refused_waiver_alone_denies_a_pass(tmp_path: Path) -> None:
    clean = decide(POLICY, result_of(report_of("membership", {"auc": 0.5})))
    assert clean.outcome == "pass"
    document = {**verdict_document(clean), "refused_waivers": {"w": "expired"}}
    (tmp_path / "v.json").write_text(json.dumps(document))
    with pytest.raises(PolicyError):
        read_verdict(tmp_path / "v.json")
