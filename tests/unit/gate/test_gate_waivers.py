"""Waivers at the gate: signed, dated and narrow, or they block."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from made.audit_results import DIGEST, POLICY, leaking_result, report_of, result_of, write_result

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.policy import WaiverClaim
from deidrelease.policy.waivers import PAYLOAD_TYPE, claim_bytes
from deidrelease.signing.envelopes import sign
from deidrelease.signing.key_files import make_key_pair, open_signer, read_public_key
from deidrelease.signing.trust import Role, TrustedKey, TrustPolicy, trust_document

TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = datetime.timedelta(days=1)
APPROVER = "Bo Approver"
Sign = Callable[..., dict[str, Any]]


@pytest.fixture
def envelope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sign:
    """Signs a claim with the key that `trust.yaml` trusts with waivers, or with another."""
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    roles: dict[str, Role] = {"trusted": "waiver", "releasing": "release", "stranger": "waiver"}
    pairs = {name: make_key_pair(tmp_path / name, APPROVER, None) for name in roles}
    keys = [
        TrustedKey(APPROVER if name == "trusted" else name, frozenset({roles[name]}),
                   read_public_key(tmp_path / name / "public.pem"), TODAY - 100 * DAY, TODAY + 100 * DAY)
        for name in pairs if name != "stranger"
    ]  # fmt: skip
    trust = TrustPolicy(tuple(keys), frozenset({"0" * 64}), 0, frozenset({"release-audit"}), 400, None)
    Path("trust.yaml").write_text(trust_document(trust), encoding="utf-8")

    def make(key: str = "trusted", **changes: Any) -> dict[str, Any]:
        claim = WaiverClaim.model_validate({
            "id": "w-1", "policy": "small", "rule": "no-membership", "data_digest": DIGEST,
            "justification": "the board has seen it", "requester": "Ana Requester",
            "issued": TODAY - DAY, "expires": TODAY + 10 * DAY, **changes,
        })  # fmt: skip
        signer = open_signer(str(tmp_path / key / "private.pem"), None)
        signed: dict[str, Any] = json.loads(sign(claim_bytes(claim), PAYLOAD_TYPE, signer))
        return signed

    return make


def gate(waivers: list[Any], auc: tuple[float, float, float] = (0.71, 0.8, 0.89), copies: int = 0) -> Result:
    result = result_of(report_of("verbatim", {"decisive": copies}), report_of("membership", {"auc": auc}))
    write_result(result, Path("result.json"))
    Path("waivers.json").write_text(json.dumps(waivers), encoding="utf-8")
    told = ["--waivers", "waivers.json", "--trust", "trust.yaml"]
    wanted = [x for kind in ("sarif", "junit", "markdown", "json") for x in ("--format", f"{kind}=x.{kind}")]
    return CliRunner().invoke(cli, ["gate", "result.json", "--policy", "policy.yaml", *told, *wanted])


def test_a_good_waiver_passes_and_says_so_everywhere(envelope: Sign) -> None:
    done = gate([envelope()])
    assert done.exit_code == 0, done.output
    assert "small 1.0.0: PASS WITH WAIVERS" in done.stdout
    assert "WAIVED no-membership: " in done.stdout
    assert "waived: w-1: the board has seen it" in done.stdout
    [waived] = [r for r in json.loads(Path("x.sarif").read_text())["runs"][0]["results"] if "suppressions" in r]
    assert waived["suppressions"][0]["justification"] == "the board has seen it"
    assert "waived by w-1: the board has seen it" in Path("x.junit").read_text()
    assert "broken: waived" in Path("x.markdown").read_text()
    assert json.loads(Path("x.json").read_text())["outcome"] == "pass-with-waivers"


REFUSED: dict[str, Callable[[Sign], Any]] = {
    "by a stranger": lambda sign: sign("stranger"),
    "by a key for releases": lambda sign: sign("releasing"),
    "expired": lambda sign: sign(issued=TODAY - 20 * DAY, expires=TODAY - DAY),
    "not yet": lambda sign: sign(issued=TODAY + DAY),
    "too long": lambda sign: sign(expires=TODAY + 90 * DAY),
    "of another corpus": lambda sign: sign(data_digest="0" * 64),
    "of another policy": lambda sign: sign(policy="other"),
    "of no rule": lambda sign: sign(rule="no-such-rule"),
    "of an absolute stop": lambda sign: sign(rule="no-copy"),
    "by whoever asked": lambda sign: sign(requester=f" {APPROVER.upper()}"),
    "changed since": lambda sign: {**sign(), "payload": sign(id="w-2")["payload"]},
    "no envelope": lambda sign: {"waive": "everything"},  # noqa: ARG005
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_waiver_that_does_not_count_blocks(case: str, envelope: Sign) -> None:
    done = gate([REFUSED[case](envelope)], auc=(0.4, 0.5, 0.6))
    assert done.exit_code == 4, done.output
    assert "BLOCKS waivers." in done.stdout
    assert "error" in Path("x.junit").read_text()


def test_a_waiver_covers_one_rule_and_no_other(envelope: Sign) -> None:
    done = gate([envelope()], copies=1)
    assert done.exit_code == 4
    assert "BLOCKS no-copy" in done.stdout
    assert "WAIVED no-membership" in done.stdout


def test_a_file_that_is_no_list_of_waivers_is_exit_code_three(envelope: Sign) -> None:
    write_result(leaking_result(), Path("result.json"))
    for text in ("", "{}", "[[[[", '[{"a": 1, "a": 2}]', json.dumps(envelope())):
        Path("waivers.json").write_text(text)
        told = ["--policy", "policy.yaml", "--waivers", "waivers.json", "--trust", "trust.yaml"]
        done = CliRunner().invoke(cli, ["gate", "result.json", *told])
        assert isinstance(done.exception, DeidReleaseError), (text, done.output)
