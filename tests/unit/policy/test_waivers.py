"""A waiver covers one broken rule for one corpus for some days, signed by somebody else; anything else blocks."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from made.audit_results import DIGEST, report_of, result_of
from made.policies import DAY, TODAY, claim_of, key_of, payload, policy_of, sha256, signed, waiver_of

from deidrelease.errors import PolicyError
from deidrelease.policy import Policy, Waiver, decide, open_waivers
from deidrelease.policy.waiver_files import read_claim, write_claim

RULES: dict[str, dict[str, Any]] = {
    "auc": {"metric": "membership.auc", "at_most": 0.6},
    "stop": {"metric": "verbatim.decisive", "at_most": 0, "waivable": False},
}
POLICY = policy_of(RULES, waivers={"max_days": 30})


def decided(*waivers: Waiver, auc: float = 0.7, stop: float = 0, policy: Policy = POLICY) -> Any:
    result = result_of(report_of("membership", {"auc": auc}), report_of("verbatim", {"decisive": stop}))
    return decide(policy, result, waivers, TODAY)


def test_a_broken_rule_is_covered_and_the_verdict_says_so() -> None:
    assert decided().outcome == "blocked"
    verdict = decided(waiver_of("auc"))
    assert (verdict.outcome, verdict.passed) == ("pass-with-waivers", True)
    assert [(each.rule, each.waiver, each.standing) for each in verdict.waived] == [("auc", "w-1", "broken")]


def test_a_waiver_that_is_not_needed_blocks_nothing_and_is_not_used() -> None:
    verdict = decided(waiver_of("auc"), auc=0.5)
    assert (verdict.outcome, verdict.waived, verdict.refused_waivers) == ("pass", (), {})


REFUSED = {
    "another corpus": ({"data_digest": sha256("other")}, "another corpus"),
    "a finding alone": ({"data_digest": None, "finding": sha256("f")}, "names a finding and no data digest"),
    "a rule that is not there": ({"rule": "acu"}, "a rule acu, which the policy does not have"),
    "another policy": ({"policy": "large"}, "for the policy large"),
    "expired": ({"expires": TODAY - DAY}, "expired on 2026-11-20"),
    "not yet": ({"issued": TODAY + DAY, "expires": TODAY + DAY}, "begins on 2026-11-22 only"),
    "too long": ({"expires": TODAY + 29 * DAY}, "lives 31 days, and the policy allows 30"),
    "approved by oneself": ({"requester": "Bo Alm"}, "approved by the one who asked"),
    "the same in other letters": ({"requester": " BO  alm "}, "approved by the one who asked"),
    "the same with another script's letters": ({"requester": "\u0412\u043e \u0410lm"}, "approved by the one who asked"),
    "the same the other way round": ({"requester": "Alm, Bo"}, "approved by the one who asked"),
    "the same with accents": ({"requester": "Bö Alm"}, "approved by the one who asked"),
    "nobody's name": ({"requester": "-"}, "approved by the one who asked"),
    "an absolute stop": ({"rule": "stop"}, "which no waiver covers"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
@pytest.mark.parametrize("auc", [0.5, 0.7])
def test_a_waiver_that_does_not_fit_covers_nothing_and_blocks_even_a_clean_result(case: str, auc: float) -> None:
    told, why = REFUSED[case]
    verdict = decided(waiver_of(**{"rule": "auc", **told}), auc=auc)
    assert verdict.outcome == "blocked"
    assert why in verdict.refused_waivers["w-1"]
    assert verdict.waived == ()


@pytest.mark.parametrize(("first", "last", "counts"), [(0, 0, True), (-29, 0, True), (0, 29, True), (-30, 0, False)])
def test_both_days_count(first: int, last: int, counts: bool) -> None:
    waiver = waiver_of("auc", issued=TODAY + first * DAY, expires=TODAY + last * DAY)
    assert decided(waiver).passed == counts


def test_where_the_policy_allows_none_any_waiver_blocks() -> None:
    policy = policy_of(RULES)
    assert decided(auc=0.5, policy=policy).outcome == "pass"
    assert "lets no waiver count" in decided(waiver_of("auc"), auc=0.5, policy=policy).refused_waivers["w-1"]


def test_what_was_not_measured_cannot_be_waived() -> None:
    result = result_of(
        report_of("membership", {"auc": 0.7}, "inconclusive", "few"), report_of("verbatim", {"decisive": 0})
    )
    verdict = decide(POLICY, result, [waiver_of("auc")], TODAY)
    assert (verdict.outcome, verdict.waived) == ("blocked", ())


def test_one_waiver_covers_one_rule() -> None:
    policy = policy_of({**RULES, "auc2": RULES["auc"]}, waivers={"max_days": 30})
    assert decided(waiver_of("auc"), policy=policy).outcome == "blocked"
    both = waiver_of("auc"), waiver_of("auc2", id="w-2")
    assert decided(*both, policy=policy) == decided(*reversed(both), policy=policy)
    assert decided(*both, policy=policy).outcome == "pass-with-waivers"


def test_one_id_for_two_waivers_is_none() -> None:
    assert decided(waiver_of("auc"), waiver_of("auc")).outcome == "pass-with-waivers"
    verdict = decided(waiver_of("auc"), waiver_of("auc", justification="another"))
    assert "stands twice" in verdict.refused_waivers["w-1"]
    assert verdict.outcome == "blocked"


def test_waivers_count_on_a_day_and_somebody_has_to_say_which() -> None:
    with pytest.raises(ValueError, match="say which"):
        decide(POLICY, result_of(), [waiver_of("auc")])


def test_waivers_that_were_refused_before_block_here() -> None:
    clean = result_of(report_of("membership", {"auc": 0.5}), report_of("verbatim", {"decisive": 0}))
    verdict = decide(POLICY, clean, [], TODAY, {"number 1": "is signed by nobody"})
    assert (verdict.outcome, verdict.refused_waivers) == ("blocked", {"number 1": "is signed by nobody"})


@pytest.mark.parametrize(
    "told",
    [
        {"data_digest": None}, {"data_digest": DIGEST.upper()}, {"data_digest": "*"}, {"rule": "*"}, {"id": "a b"},
        {"expires": TODAY - 2 * DAY}, {"justification": ""}, {"requester": ""}, {"expires": "2026-11-30"},
        {"requester": "Bo\u200b Alm"}, {"requester": "Bo\u202eAlm"}, {"requester": "Bo\nAlm"},
    ],
)  # fmt: skip
def test_a_claim_about_nothing_or_everything_is_none(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        claim_of(**{"rule": "auc", **told})


# Signatures


def test_the_approver_is_whoever_holds_the_key_by_the_trust_stores_name(tmp_path: Path) -> None:
    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    data = signed(tmp_path / "bo", tmp_path / "w.json", claim_of("auc"), claim_of("auc", id="w-2"))
    opened, refused = open_waivers(data, [key], TODAY)
    assert opened == [waiver_of("auc"), waiver_of("auc", id="w-2")]
    assert refused == {}
    assert decided(*opened).outcome == "pass-with-waivers"
    assert open_waivers(b"[]", [key], TODAY) == ([], {})


def test_only_a_key_with_the_role_that_was_valid_then_counts(tmp_path: Path) -> None:
    from dataclasses import replace

    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    other = key_of(tmp_path / "else", "Cy Dahl", "waiver")
    data = signed(tmp_path / "bo", tmp_path / "w.json", claim_of("auc"))
    for keys in (
        [],
        [other],
        [replace(key, roles=frozenset({"release", "approval"}))],
        [replace(key, valid_until=TODAY - DAY)],
        [replace(key, valid_from=TODAY)],
        # A claim tells its own day of issue: this key could have signed today for yesterday, when it was still good.
        [replace(key, valid_until=TODAY)],
    ):
        opened, refused = open_waivers(data, keys, TODAY)
        assert opened == []
        assert "signed by no key that is trusted with waivers" in refused["number 1"]
    assert "begins on" in open_waivers(data, [key], TODAY - 2 * DAY)[1]["number 1"]


def test_whoever_signs_their_own_request_is_refused(tmp_path: Path) -> None:
    key = key_of(tmp_path / "ada", "Ada Ek", "waiver")
    data = signed(tmp_path / "ada", tmp_path / "w.json", claim_of("auc"))
    [waiver], _ = open_waivers(data, [key], TODAY)
    assert "approved by the one who asked" in decided(waiver).refused_waivers["w-1"]


def changed(data: bytes, **told: Any) -> bytes:
    import base64

    [envelope] = json.loads(data)
    said = {**payload(envelope), **told}
    envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()
    return json.dumps([envelope]).encode()


@pytest.mark.parametrize("told", [{"rule": "stop"}, {"expires": "2030-01-01"}, {"data_digest": sha256("x")}])
def test_a_changed_waiver_has_no_signature(told: dict[str, Any], tmp_path: Path) -> None:
    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    data = changed(signed(tmp_path / "bo", tmp_path / "w.json", claim_of("auc")), **told)
    opened, refused = open_waivers(data, [key], TODAY)
    assert (opened, len(refused)) == ([], 1)


def test_something_else_that_was_signed_is_no_waiver(tmp_path: Path) -> None:
    from deidrelease.policy.waivers import claim_bytes
    from deidrelease.signing.envelopes import IN_TOTO, sign
    from deidrelease.signing.key_files import open_signer

    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    signer = open_signer(str(tmp_path / "bo" / "private.pem"), None)
    doubled = claim_bytes(claim_of("auc")).replace(b'"id":', b'"rule":"stop","id":')
    seconds = claim_bytes(claim_of("auc")).replace(b'"issued":"2026-11-20"', b'"issued":"1763596800"')
    assert seconds != claim_bytes(claim_of("auc"))
    table = {
        "is no waiver but something else": sign(claim_bytes(claim_of("auc")), IN_TOTO, signer),
        "is no waiver that can be understood": sign(doubled, "application/vnd.deidrelease.waiver+json", signer),
        "one canonical form": sign(seconds, "application/vnd.deidrelease.waiver+json", signer),
    }
    for why, envelope in table.items():
        opened, refused = open_waivers(b"[" + envelope + b"]", [key], TODAY)
        assert opened == []
        assert why in refused["number 1"]


@pytest.mark.parametrize(
    ("data", "refused"),
    [(b"[1]", 1), (b"[null, {}]", 2), (b'[{"payload": "", "payloadType": "", "signatures": []}]', 1)],
)
def test_what_is_no_envelope_is_refused_one_by_one(data: bytes, refused: int) -> None:
    opened, told = open_waivers(data, [], TODAY)
    assert (opened, len(told)) == ([], refused)


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b'[{"a":1,"a":2}]', b"[NaN]", b"\xff", b"[" * 1000, b"null"])
def test_what_is_no_list_is_refused_whole(data: bytes) -> None:
    with pytest.raises(PolicyError):
        open_waivers(data, [], TODAY)


def test_two_waivers_of_one_id_in_a_file_do_not_both_count(tmp_path: Path) -> None:
    key = key_of(tmp_path / "bo", "Bo Alm", "waiver")
    one = json.loads(signed(tmp_path / "bo", tmp_path / "a.json", claim_of("auc")))
    two = json.loads(signed(tmp_path / "bo", tmp_path / "b.json", claim_of("auc", justification="another")))
    opened, refused = open_waivers(json.dumps(one + two).encode(), [key], TODAY)
    assert (len(opened), refused) == (1, {"number 2": "has the id of another waiver"})
    assert decide(POLICY, result_of(), opened, TODAY, refused).outcome == "blocked"


# Files


def test_a_claim_is_written_and_read_back(tmp_path: Path) -> None:
    claim = claim_of("auc", justification='"quoted": yes\nåäö \u2028', finding=sha256("f"))
    write_claim(claim, tmp_path / "w.yaml")
    assert read_claim(tmp_path / "w.yaml") == claim
    with pytest.raises(PolicyError, match="File exists"):
        write_claim(claim, tmp_path / "w.yaml")


def test_a_claim_that_is_not_understood_is_refused_by_place(tmp_path: Path) -> None:
    write_claim(claim_of("auc"), tmp_path / "w.yaml")
    text = (tmp_path / "w.yaml").read_text()
    (tmp_path / "w.yaml").write_text(text.replace("issued: 2026-11-20", "issued: 2026-13-20") + "approver: Bo\n")
    with pytest.raises(PolicyError, match=r"w\.yaml:10:1: issued"):
        read_claim(tmp_path / "w.yaml")


def test_signing_twice_into_one_file_is_refused_and_leaves_it(tmp_path: Path) -> None:
    key_of(tmp_path / "bo", "Bo Alm", "waiver")
    before = signed(tmp_path / "bo", tmp_path / "w.json", claim_of("auc"))
    with pytest.raises(PolicyError, match="holds a waiver w-1 already"):
        signed(tmp_path / "bo", tmp_path / "w.json", claim_of("auc"))
    assert (tmp_path / "w.json").read_bytes() == before
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(PolicyError, match="is no list of waivers"):
        signed(tmp_path / "bo", tmp_path / "bad.json", claim_of("auc"))


def test_days_are_counted_with_both_ends() -> None:
    assert claim_of("auc", issued=datetime.date(2026, 1, 1), expires=datetime.date(2026, 1, 1)).days == 1
