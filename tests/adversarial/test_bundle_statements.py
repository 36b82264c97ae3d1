"""Statements of a bundle dropped, doubled, swapped, broken, or signed by whoever may not; files untouched."""

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from made.bundles import (
    NOW,
    Plan,
    approval_line,
    envelope,
    make_bundle,
    signer,
    trust_of,
    trusted,
)

from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.layout import ATTESTATIONS
from deidrelease.bundle.verification import Verification, verify
from deidrelease.errors import BundleError
from deidrelease.signing.envelopes import IN_TOTO, sign
from deidrelease.signing.strict_json import canonical
from deidrelease.signing.trust import TrustPolicy, load_trust, trust_document

AUDIT, RESULT, APPROVAL = 0, 1, 2


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("good") / "bundle")


@pytest.fixture
def bundle(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "bundle")
    return tmp_path / "bundle"


def lines(bundle: Path) -> list[bytes]:
    return (bundle / ATTESTATIONS).read_bytes().splitlines()


def put(bundle: Path, changed: list[bytes]) -> None:
    (bundle / ATTESTATIONS).write_bytes(b"".join(line + b"\n" for line in changed))


def payload_of(line: bytes) -> bytes:
    return base64.b64decode(json.loads(line)["payload"])


def codes(found: Verification) -> set[str]:
    assert not found.ok
    return {failure.code for failure in found.failures}


def asked(bundle: Path, trust: TrustPolicy | None = None) -> set[str]:
    """The codes, which are the same for the folder and for its ZIP."""
    found = codes(verify(bundle, trust or trust_of(), NOW, None))
    packed = bundle.with_suffix(".zip")
    packed.unlink(missing_ok=True)
    write_archive(bundle, packed)
    assert codes(verify(packed, trust or trust_of(), NOW, None)) == found
    return found


@pytest.mark.parametrize("line", [AUDIT, RESULT, APPROVAL])
def test_a_statement_dropped(bundle: Path, line: int) -> None:
    put(bundle, [each for number, each in enumerate(lines(bundle)) if number != line])
    assert "statement-missing" in asked(bundle)


@pytest.mark.parametrize("line", [AUDIT, RESULT, APPROVAL])
def test_a_statement_doubled(bundle: Path, line: int) -> None:
    put(bundle, [*lines(bundle), lines(bundle)[line]])
    assert "statement-duplicate" in asked(bundle)


@pytest.mark.parametrize("line", [AUDIT, RESULT, APPROVAL])
def test_a_statement_of_another_valid_bundle(bundle: Path, tmp_path: Path, line: int) -> None:
    other = make_bundle(tmp_path / "other", Plan(release={"title": "Another"}))
    changed = lines(bundle)
    changed[line] = lines(other)[line]
    put(bundle, changed)
    assert "statement-subject" in asked(bundle)


@pytest.mark.parametrize("line", [AUDIT, RESULT, APPROVAL])
def test_a_statement_signed_again_by_a_stranger(bundle: Path, line: int) -> None:
    changed = lines(bundle)
    changed[line] = sign(payload_of(changed[line]), IN_TOTO, signer("stranger"))
    put(bundle, changed)
    assert {"signature-untrusted", "statement-missing"} <= asked(bundle)


def test_all_signed_again_by_a_stranger_who_claims_the_key_ids(bundle: Path) -> None:
    changed = []
    for line in lines(bundle):
        record = json.loads(sign(payload_of(line), IN_TOTO, signer("stranger")))
        record["signatures"][0]["keyid"] = json.loads(line)["signatures"][0]["keyid"]
        changed.append(canonical(record))
    put(bundle, changed)
    assert {"signature-untrusted", "statement-missing", "approvals-too-few"} <= asked(bundle)


@pytest.mark.parametrize(("line", "key"), [(AUDIT, "approver"), (RESULT, "waiver"), (APPROVAL, "waiver")])
def test_a_statement_by_a_key_that_has_another_role(bundle: Path, line: int, key: str) -> None:
    changed = lines(bundle)
    changed[line] = sign(payload_of(changed[line]), IN_TOTO, signer(key))
    put(bundle, changed)
    assert {"signature-role", "statement-missing"} <= asked(bundle)


def test_the_release_key_approves_its_own_release(bundle: Path) -> None:
    put(bundle, [*lines(bundle)[:2], approval_line(bundle, signer("release"))])
    assert {"signature-role", "approvals-too-few"} <= asked(bundle)


def test_the_release_key_approves_though_a_trust_policy_made_by_a_program_lets_it(bundle: Path) -> None:
    put(bundle, [*lines(bundle)[:2], approval_line(bundle, signer("release"))])
    lax = trust_of(keys=(trusted("release", "release", "approval"),))
    assert {"approval-same-key", "approvals-too-few"} <= asked(bundle, lax)


def test_one_key_under_two_names_is_refused_in_a_trust_policy(tmp_path: Path) -> None:
    twice = trust_of(keys=(*trust_of().keys, replace(trusted("approver", "approval"), name="Somebody else")))
    (tmp_path / "trust.yaml").write_text(trust_document(twice))
    with pytest.raises(BundleError, match="one key is one signature"):
        load_trust(tmp_path / "trust.yaml")


def test_one_key_under_two_names_counts_once(bundle: Path) -> None:
    put(bundle, [*lines(bundle), approval_line(bundle, signer("approver"), at="2026-11-21T16:00:00Z")])
    twice = (*trust_of().keys, replace(trusted("approver", "approval"), name="Somebody else"))
    assert {"statement-duplicate", "approvals-too-few"} <= asked(bundle, trust_of(keys=twice, approvals=2))


@pytest.mark.parametrize("keyid", ["another", ""])
def test_two_signatures_of_one_key_with_two_key_ids_count_once(bundle: Path, keyid: str) -> None:
    changed = lines(bundle)
    record = json.loads(changed[APPROVAL])
    record["signatures"].append({**record["signatures"][0], "keyid": keyid})
    changed[APPROVAL] = canonical(record)
    put(bundle, changed)
    assert {"approvals-too-few", "envelope"} <= asked(bundle, trust_of(approvals=2))
    record["signatures"][1]["keyid"] = record["signatures"][0]["keyid"]
    put(bundle, [*changed[:APPROVAL], canonical(record)])
    assert asked(bundle, trust_of(approvals=2)) == {"approvals-too-few"}


@pytest.mark.parametrize("line", [AUDIT, RESULT, APPROVAL])
@pytest.mark.parametrize("keyid", ["", "0" * 64, "Ana Gil was here"])
def test_a_key_id_that_somebody_wrote_into(bundle: Path, line: int, keyid: str) -> None:
    changed = lines(bundle)
    record = json.loads(changed[line])
    record["signatures"][0]["keyid"] = keyid
    changed[line] = canonical(record)
    put(bundle, changed)
    assert {"envelope", "statement-missing"} <= asked(bundle)


@pytest.mark.parametrize("order", [(RESULT, AUDIT, APPROVAL), (AUDIT, APPROVAL, RESULT), (APPROVAL, AUDIT, RESULT)])
def test_statements_that_changed_places(bundle: Path, order: tuple[int, ...]) -> None:
    put(bundle, [lines(bundle)[number] for number in order])
    assert asked(bundle) == {"statement-malformed"}


def _other_s(line: bytes) -> bytes:
    """The second signature that every ECDSA signature gives away: n - s instead of s."""
    record = json.loads(line)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(base64.b64decode(record["signatures"][0]["sig"]))
    record["signatures"][0]["sig"] = base64.b64encode(encode_dss_signature(r, order - s)).decode()
    return canonical(record)


def test_a_signature_that_anybody_can_make_of_another_counts_for_nothing_more(tmp_path: Path) -> None:
    plan = Plan(release_key=signer("ecdsa"), approvers=(signer("ecdsa approver"),))
    bundle = make_bundle(tmp_path / "b", plan)
    keys = (trusted("ecdsa", "release"), trusted("ecdsa approver", "approval"), trusted("approver", "approval"))
    trust = trust_of(keys=keys)
    changed = lines(bundle)
    assert _other_s(changed[APPROVAL]) != changed[APPROVAL]
    put(bundle, [*changed[:APPROVAL], _other_s(changed[APPROVAL])])
    assert verify(bundle, trust, NOW, None).ok  # it is a signature by that key
    put(bundle, [*changed, _other_s(changed[APPROVAL])])
    assert {"statement-duplicate", "approvals-too-few"} <= asked(bundle, replace(trust, approvals=2))
    both = json.loads(changed[APPROVAL])
    both["signatures"] += json.loads(_other_s(changed[APPROVAL]))["signatures"]
    put(bundle, [*changed[:APPROVAL], canonical(both)])
    assert asked(bundle, replace(trust, approvals=2)) == {"approvals-too-few"}


def test_a_strangers_signature_beside_the_right_one(bundle: Path) -> None:
    changed = lines(bundle)
    record, stranger = json.loads(changed[AUDIT]), json.loads(sign(payload_of(changed[AUDIT]), IN_TOTO, signer("x")))
    record["signatures"] += stranger["signatures"]
    changed[AUDIT] = canonical(record)
    put(bundle, changed)
    assert "signature-untrusted" in asked(bundle)


def _envelope(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def changed(line: bytes) -> bytes:
        record = json.loads(line)
        change(record)
        return canonical(record)

    return changed


def _set(name: str, value: Any) -> Callable[[bytes], bytes]:
    return _envelope(lambda record: record.update({name: value}))


def _flipped(record: dict[str, Any]) -> None:
    value = bytearray(base64.b64decode(record["signatures"][0]["sig"]))
    value[10] ^= 1
    record["signatures"][0]["sig"] = base64.b64encode(value).decode()


def _other_payload(record: dict[str, Any]) -> None:
    text = base64.b64decode(record["payload"]).replace(b'"release_id":"', b'"release_id":"0')
    record["payload"] = base64.b64encode(text).decode()


def _no_high_s(record: dict[str, Any]) -> None:
    """Adds the group order to S: the same signature, were S not bounded (RFC 8032, section 5.1.7)."""
    value = base64.b64decode(record["signatures"][0]["sig"])
    order = 2**252 + 27742317777372353535851937790883648493
    large = int.from_bytes(value[32:], "little") + order
    record["signatures"][0]["sig"] = base64.b64encode(value[:32] + large.to_bytes(32, "little")).decode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_envelope(_flipped), "signature-untrusted"),
        (_envelope(_no_high_s), "signature-untrusted"),
        (_envelope(_other_payload), "signature-untrusted"),
        (_set("payloadType", "application/json"), "envelope"),
        (_set("payloadType", "application/vnd.deidrelease.waiver+json"), "envelope"),
        (_set("signatures", []), "envelope"),
        (_set("signatures", None), "envelope"),
        (_set("signatures", [{"keyid": "", "sig": ""}]), "envelope"),
        (_set("signatures", [{"keyid": "a", "sig": "AAAA"}] * 17), "envelope"),
        (_set("extra", 1), "envelope"),
        (_set("payload", "####"), "envelope"),
        (_set("payload", "e30"), "envelope"),
        (_set("payload", "e30=\n"), "envelope"),
        (_set("payload", " e30="), "envelope"),
        (_set("payload", "e30=e30="), "envelope"),
        (_set("payload", "-_-_"), "envelope"),
        (_set("payload", ["e30="]), "envelope"),
        (_set("payloadType", "Application/vnd.in-toto+json"), "envelope"),
        (_set("payloadType", "application/vnd.in-toto+json; charset=utf-8"), "envelope"),
        (lambda line: line.replace(b'{"payload":', b'{"\\u0070ayload":"e30=","payload":'), "envelope"),
        (lambda line: line.replace(b'"payloadType"', b'"payload\\u0054ype"'), "envelope"),
        (_set("payload", "e31="), "envelope"),
        (_envelope(lambda record: record.pop("payloadType")), "envelope"),
        (lambda line: line.replace(b'{"payload":', b'{"payload":"e30=","payload":'), "envelope"),
        (lambda line: line[:-1], "envelope"),
        (lambda line: b"\xef\xbb\xbf" + line, "envelope"),
        (lambda line: b"[" * 10_000 + line, "envelope"),
        (lambda line: line + b"\n", "envelope"),
        (lambda line: line + b"\r", "envelope"),
        (lambda line: line.replace(b'"payloadType":', b'"payloadType" : '), "envelope"),
        (lambda _: b"", "envelope"),
        (lambda _: b"null", "envelope"),
        (lambda _: b"NaN", "envelope"),
        (lambda line: line.replace(b'"keyid":"', b'"keyid":"' + b"a" * 600), "envelope"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", [AUDIT, APPROVAL])
def test_a_broken_envelope(bundle: Path, at: int, change: Callable[[bytes], bytes], code: str) -> None:
    changed = lines(bundle)
    changed[at] = change(changed[at])
    put(bundle, changed)
    assert code in asked(bundle)


@pytest.mark.parametrize("ending", [b"", b"\r\n", b"\n\n"])
def test_line_ends_that_are_not_one_newline(bundle: Path, ending: bytes) -> None:
    data = (bundle / ATTESTATIONS).read_bytes()
    (bundle / ATTESTATIONS).write_bytes(data[:-1] + ending)
    assert "envelope" in asked(bundle)


def test_more_lines_than_anybody_needs(bundle: Path) -> None:
    put(bundle, lines(bundle) * 40)
    assert {"envelope", "statement-missing"} <= asked(bundle)


def _said(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def changed(payload: bytes) -> bytes:
        record = json.loads(payload)
        change(record)
        return canonical(record)

    return changed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_said(lambda s: s.update(predicateType="https://slsa.dev/provenance/v1")), "statement-unknown"),
        (_said(lambda s: s.update(predicateType=["urn:x-deidrelease:release-audit:v1"])), "statement-unknown"),
        (_said(lambda s: s.update(_type="https://in-toto.io/Statement/v0.1")), "statement-malformed"),
        (_said(lambda s: s.update(extra=1)), "statement-malformed"),
        (_said(lambda s: s["predicate"].update(extra=1)), "statement-malformed"),
        (_said(lambda s: s["predicate"].pop("audited")), "statement-malformed"),
        (_said(lambda s: s["predicate"].update(sequence="1")), "statement-malformed"),
        (_said(lambda s: s["predicate"].update(sequence=True)), "statement-malformed"),
        (_said(lambda s: s["predicate"].update(created="2026-11-31T10:00:00Z")), "statement-malformed"),
        (_said(lambda s: s.update(subject=[])), "statement-malformed"),
        (_said(lambda s: s["subject"][0]["digest"].update(md5="0" * 32)), "statement-malformed"),
        (lambda p: p.replace(b'"sequence":1', b'"sequence":1,"sequence":2'), "statement-malformed"),
        (lambda p: p.replace(b'"seed":7', b'"seed":NaN'), "statement-malformed"),
        (lambda p: p.replace(b'"seed":7', b'"seed":1e999'), "statement-malformed"),
        (lambda p: p.replace(b'"seed":7', b'"seed":' + b"9" * 5000), "statement-malformed"),
        (lambda p: p.replace(b'"seed":7', b'"seed":' + b"[" * 200 + b"]" * 200), "statement-malformed"),
        (lambda p: b"\xef\xbb\xbf" + p, "statement-malformed"),
        (lambda _: b"{}", "statement-unknown"),
        (lambda _: b"", "statement-malformed"),
    ],
)  # fmt: skip
def test_a_statement_that_its_own_signer_broke(bundle: Path, change: Callable[[bytes], bytes], code: str) -> None:
    changed = lines(bundle)
    changed[AUDIT] = sign(change(payload_of(changed[AUDIT])), IN_TOTO, signer("release"))
    put(bundle, changed)
    assert {code, "statement-missing"} <= asked(bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["subject"].pop(),
        lambda s: s["subject"].append(s["subject"][0]),
        lambda s: s["subject"].append({"name": "data/x.jsonl", "digest": {"sha256": "0" * 64}}),
        lambda s: s["subject"][0]["digest"].update(sha256="0" * 64),
        lambda s: s["subject"][1].update(name="data/notes-00009.jsonl"),
    ],
)
def test_a_statement_about_other_files(bundle: Path, change: Callable[[Any], Any]) -> None:
    changed = lines(bundle)
    for at in (AUDIT, RESULT):
        changed[at] = sign(_said(change)(payload_of(changed[at])), IN_TOTO, signer("release"))
    put(bundle, changed)
    assert asked(bundle) == {"statement-subject"}


_LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "release_id": lambda p: p.update(release_id="f" * 32),
    "dataset": lambda p: p.update(dataset="other"),
    "sequence": lambda p: p.update(sequence=2),
    "previous": lambda p: p.update(previous="0" * 64),
    "created": lambda p: p.update(created="2026-11-21T11:00:00Z"),
    "valid_until": lambda p: p.update(valid_until="2036-11-21T11:00:00Z"),
    "recipient": lambda p: p.update(recipient="Everybody"),
    "audited.digest": lambda p: p["audited"].update(digest="0" * 64),
    "audited.notes": lambda p: p["audited"].update(notes=13),
    "audited.scanned": lambda p: p["audited"].update(scanned=17),
    "audited.total": lambda p: p["audited"].update(total=17),
    "digests.policy": lambda p: p["digests"].update(policy="0" * 64),
    "digests.policy_resolved": lambda p: p["digests"].update(policy_resolved="0" * 64),
    "digests.waivers": lambda p: p["digests"].update(waivers="0" * 64),
    "digests.result": lambda p: p["digests"].update(result="0" * 64),
    "digests.verdict": lambda p: p["digests"].update(verdict="0" * 64),
    "digests.report": lambda p: p["digests"].update(report="0" * 64),
    "digests.release": lambda p: p["digests"].update(release="0" * 64),
    "digests.lock": lambda p: p["digests"].update(lock="0" * 64),
    "tool": lambda p: p["tool"].update(version="9.9"),
    "detector_sha256": lambda p: p.update(detector_sha256="0" * 64),
    "seed": lambda p: p.update(seed=8),
    "differential_privacy": lambda p: p.update(differential_privacy={"epsilon": 1}),
    "verdict.outcome": lambda p: p["verdict"].update(outcome="pass-with-waivers"),
    "verdict.policy": lambda p: p["verdict"].update(policy="strict-research"),
    "verdict.policy_version": lambda p: p["verdict"].update(policy_version="9.0.0"),
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_statement_that_says_otherwise_than_the_bundle(bundle: Path, lie: str) -> None:
    changed = lines(bundle)
    said = _said(lambda s: _LIES[lie](s["predicate"]))
    changed[AUDIT] = sign(said(payload_of(changed[AUDIT])), IN_TOTO, signer("release"))
    put(bundle, changed)
    assert asked(bundle) == {"statement-differs"}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(properties=["SLSA_BUILD_LEVEL_3"]),
        lambda p: p.update(properties=[*p["properties"], "NO_PATIENT_CAN_BE_RECOGNISED"]),
        lambda p: p.update(timeCreated="2026-11-22T10:00:00Z"),
        lambda p: p["verifier"]["policies"][0].update(name="strict-research"),
        lambda p: p["verifier"]["policies"][0]["digest"].update(sha256="0" * 64),
    ],
)
def test_a_verification_result_that_claims_more(bundle: Path, change: Callable[[Any], Any]) -> None:
    changed = lines(bundle)
    said = _said(lambda s: change(s["predicate"]))
    changed[RESULT] = sign(said(payload_of(changed[RESULT])), IN_TOTO, signer("release"))
    put(bundle, changed)
    assert asked(bundle) == {"statement-differs"}


def test_the_two_statements_of_a_release_by_two_release_keys(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(result_key=signer("second")))
    both = trust_of(keys=(*trust_of().keys, trusted("second", "release")))
    assert {"signature-role", "statement-missing"} == asked(bundle, both)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (lambda b: approval_line(b, signer("approver"), stated=()), "approval-statement"),
        (lambda b: approval_line(b, signer("approver"), outcome="blocked"), "statement-differs"),
        (lambda b: approval_line(b, signer("approver"), outcome="pass-with-waivers"), "statement-differs"),
        (lambda b: approval_line(b, signer("approver"), at="2026-11-20T10:00:00Z"), "statement-differs"),
        (lambda b: approval_line(b, signer("approver"), at="2026-12-24T10:00:00Z"), "statement-differs"),
    ],
)
def test_an_approval_that_does_not_approve_this(bundle: Path, line: Callable[[Path], bytes], code: str) -> None:
    put(bundle, [*lines(bundle)[:2], line(bundle)])
    assert asked(bundle) == {code}


def test_an_approval_of_a_data_file_only(bundle: Path) -> None:
    statement = json.loads(payload_of(lines(bundle)[APPROVAL]))
    statement["subject"] = json.loads(payload_of(lines(bundle)[AUDIT]))["subject"][1:2]
    put(bundle, [*lines(bundle)[:2], envelope(statement, signer("approver"))])
    assert asked(bundle) == {"statement-subject"}


def test_fewer_people_than_the_recipient_asks_for(bundle: Path) -> None:
    more = (*trust_of().keys, trusted("second approver", "approval"))
    assert asked(bundle, trust_of(keys=more, approvals=2)) == {"approvals-too-few"}
    put(bundle, [*lines(bundle), approval_line(bundle, signer("second approver"))])
    assert verify(bundle, trust_of(keys=more, approvals=2), NOW, None).ok


def test_fewer_people_than_the_policy_asks_for(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(approvers=()))
    lax = trust_of(approvals=0, require=frozenset({"release-audit"}))
    assert asked(bundle, lax) == {"approvals-too-few"}


def test_what_is_not_asked_for_still_has_to_be_right(bundle: Path) -> None:
    changed = lines(bundle)
    said = _said(lambda s: s["predicate"].update(properties=[]))
    changed[RESULT] = sign(said(payload_of(changed[RESULT])), IN_TOTO, signer("release"))
    put(bundle, changed)
    assert asked(bundle, trust_of(require=frozenset({"release-audit"}))) == {"statement-differs"}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 11, 22), date(2028, 1, 1)),  # not yet valid when it signed
        (date(2026, 1, 1), date(2026, 11, 22)),  # valid when it signed, not any more
        (date(2026, 11, 23), date(2028, 1, 1)),
        (date(2020, 1, 1), date(2021, 1, 1)),
    ],
)
@pytest.mark.parametrize("name", ["release", "approver"])
def test_a_key_that_is_not_valid(bundle: Path, name: str, since: date, until: date) -> None:
    role = "release" if name == "release" else "approval"
    rest = [key for key in trust_of().keys if role not in key.roles]
    assert "key-validity" in asked(bundle, trust_of(keys=(*rest, trusted(name, role, since=since, until=until))))


def test_keys_of_the_other_accepted_kind(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(release_key=signer("ecdsa"), approvers=(signer("ecdsa approver"),)))
    trust = trust_of(keys=(trusted("ecdsa", "release"), trusted("ecdsa approver", "approval")))
    assert verify(bundle, trust, NOW, None).ok
    assert "signature-untrusted" in asked(bundle)


def test_no_statements_at_all(bundle: Path) -> None:
    (bundle / ATTESTATIONS).unlink()
    assert {"unsigned", "statement-missing", "approvals-too-few"} <= asked(bundle)


def test_an_empty_file_of_statements(bundle: Path) -> None:
    (bundle / ATTESTATIONS).write_bytes(b"")
    assert {"envelope", "statement-missing"} <= asked(bundle)


def test_a_draft(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(release={"draft": True}, signed=False))
    assert {"draft", "statement-missing"} <= asked(bundle)


def test_a_draft_that_somebody_signed(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(release={"draft": True}))
    assert asked(bundle) == {"draft"}
