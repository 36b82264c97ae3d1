"""Bundles by a publisher who lies: everything signed anew by the right keys, and yet refused."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from made.bundles import (
    CREATED,
    NOTES,
    NOW,
    SIGNABLE,
    Plan,
    approval_line,
    broken,
    later,
    make_bundle,
    policy_of,
    signer,
    trust_of,
    trusted,
    waived_plan,
    waiver,
)

from deidrelease.auditing.result import AuditResult, CorpusFacts, parse_result
from deidrelease.bundle import layout
from deidrelease.bundle.archive import write_archive
from deidrelease.bundle.manifest import build, manifest_digest
from deidrelease.bundle.verification import Verification, verify
from deidrelease.errors import BundleError
from deidrelease.notes import digest_of, note_to_json
from deidrelease.policy import decide, verdict_bytes
from deidrelease.results import Estimate
from deidrelease.signing.envelopes import sign
from deidrelease.signing.strict_json import canonical, parse_strict
from deidrelease.signing.trust import TrustPolicy


def asked(folder: Path, trust: TrustPolicy | None = None) -> set[str]:
    """The codes, which are the same for the folder and for its ZIP."""
    found = verify(folder, trust or trust_of(), NOW, None)
    folder.with_suffix(".zip").unlink(missing_ok=True)
    write_archive(folder, folder.with_suffix(".zip"))
    packed = verify(folder.with_suffix(".zip"), trust or trust_of(), NOW, None)
    assert codes(found) == codes(packed)
    return codes(found)


def codes(found: Verification) -> set[str]:
    assert found.ok == (not found.failures)
    return {failure.code for failure in found.failures}


def rewritten(path: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / path).write_bytes(change((folder / path).read_bytes()))

    return edit


def changed(path: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """`change` of the parsed document, written back as canonical JSON."""

    def edit(data: bytes) -> bytes:
        document = parse_strict(data, path)
        change(document)
        return canonical(document)

    return rewritten(path, edit)


def of_synthetic(**facts: Any) -> Callable[[AuditResult], AuditResult]:
    def change(result: AuditResult) -> AuditResult:
        corpora = {**result.corpora, "synthetic": replace(result.corpora["synthetic"], **facts)}
        return replace(result, corpora=corpora)

    return change


def leaking(result: AuditResult) -> AuditResult:
    copied = Estimate(3, 3, 3, 0.95, 12, "counted")
    audits = tuple(
        replace(report, metrics={**report.metrics, "decisive": copied}) if report.audit == "verbatim" else report
        for report in result.audits
    )
    return replace(result, audits=audits)


LAXER = SIGNABLE.replace("at_most: 0.6", "at_most: 0.9")
OTHERS = tuple(replace(note, text=f"{note.text} Otra.") for note in NOTES)
_UNSIGNABLE = SIGNABLE.replace("signable: true", "signable: false")


def test_a_laxer_policy_signed_by_the_publisher(tmp_path: Path) -> None:
    assert asked(make_bundle(tmp_path / "b", Plan(policy=LAXER))) == {"policy-not-allowed"}


def test_a_policy_with_fewer_approvals_under_the_same_name(tmp_path: Path) -> None:
    alone = SIGNABLE.replace("approvals: 1", "approvals: 0")
    assert asked(make_bundle(tmp_path / "b", Plan(policy=alone))) == {"policy-not-allowed"}


def test_a_policy_that_may_release_nothing(tmp_path: Path) -> None:
    trust = trust_of(policies=frozenset({policy_of(_UNSIGNABLE).sha256()}))
    assert asked(make_bundle(tmp_path / "b", Plan(policy=_UNSIGNABLE)), trust) == {"not-signable"}


def test_the_resolved_policy_of_another(tmp_path: Path) -> None:
    edit = rewritten(layout.RESOLVED, lambda _: policy_of(LAXER).canonical())
    assert {"policy-not-allowed", "verdict-differs"} <= asked(make_bundle(tmp_path / "b", Plan(edit=edit)))


def test_a_blocked_result_signed_as_it_is(tmp_path: Path) -> None:
    found = asked(make_bundle(tmp_path / "b", Plan(result=leaking)))
    assert {"verdict-blocked", "statement-missing"} <= found


def test_a_blocked_result_with_the_verdict_of_a_clean_one(tmp_path: Path) -> None:
    leak = changed(layout.RESULT, lambda r: r["audits"][0]["metrics"]["decisive"].update(value=3, low=3, high=3))
    assert {"verdict-differs", "verdict-blocked", "report-differs"} <= asked(
        make_bundle(tmp_path / "b", Plan(edit=leak))
    )


_VERDICTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "outcome": lambda v: v.update(outcome="pass-with-waivers"),
    "policy": lambda v: v.update(policy="strict-research"),
    "version": lambda v: v.update(policy_version="7.0.0"),
    "digest of the policy": lambda v: v.update(policy_sha256="0" * 64),
    "signable": lambda v: v.update(signable=False),
    "digest of the data": lambda v: v.update(data_digest="0" * 64),
    "approvals": lambda v: v.update(approvals=0),
    "statements": lambda v: v.update(statements=[]),
    "valid_days": lambda v: v.update(valid_days=3650),
    "a judgement less": lambda v: v["judgements"].pop(),
    "a limit": lambda v: v["judgements"][-1].update(limit="at most 0.99"),
    "an estimate": lambda v: v["judgements"][-1]["estimate"].update(low=0.1),
    "a standing": lambda v: [j.update(standing="kept") for j in v["judgements"] if j["standing"] == "broken"],
    "a waiver": lambda v: v["judgements"][-1].update(waiver="mine"),
    "a key": lambda v: v.update(score=100),
    "a format": lambda v: v.update(format="deidrelease.verdict/2"),
}


@pytest.mark.parametrize("lie", _VERDICTS)
def test_a_verdict_edited(tmp_path: Path, lie: str) -> None:
    found = asked(make_bundle(tmp_path / "b", Plan(edit=changed(layout.VERDICT, _VERDICTS[lie]))))
    assert found & {"verdict-differs", "document"}
    assert "report-differs" in found


def _retold(name: str, text: str) -> Callable[[AuditResult], bytes]:
    def verdict(result: AuditResult) -> bytes:
        document = json.loads(verdict_bytes(decide(policy_of(), result)))
        document["judgements"][-1][name] = text
        return canonical(document)

    return verdict


@pytest.mark.parametrize(("name", "text"), [("what", "Nothing was found."), ("because", "x"), ("remedy", "None.")])
def test_a_verdict_whose_sentences_were_touched_up_and_a_report_to_match(tmp_path: Path, name: str, text: str) -> None:
    result = parse_result(json.loads((make_bundle(tmp_path / "reference") / layout.RESULT).read_bytes()))
    documents = {layout.VERDICT: _retold(name, text)(result)}
    assert asked(make_bundle(tmp_path / "b", Plan(documents=documents))) == {"verdict-differs"}


def test_data_from_another_run(tmp_path: Path) -> None:
    lines = "".join(f"{note_to_json(note)}\n" for note in OTHERS[:5]).encode()
    found = asked(make_bundle(tmp_path / "b", Plan(edit=rewritten("data/notes-00000.jsonl", lambda _: lines))))
    assert {"data-mismatch", "metadata-differs", "statement-differs"} <= found


def test_data_from_another_run_with_everything_adjusted_but_the_result(tmp_path: Path) -> None:
    plan = Plan(notes=OTHERS, result=of_synthetic(digest=digest_of(NOTES)))
    assert {"data-mismatch", "statement-differs"} == asked(make_bundle(tmp_path / "b", plan))


def test_a_note_more_than_was_audited(tmp_path: Path) -> None:
    plan = Plan(
        notes=(*NOTES, replace(NOTES[0], note_id="s99")), result=of_synthetic(digest=digest_of(NOTES), notes=12)
    )
    assert {"data-mismatch", "data-count"} <= asked(make_bundle(tmp_path / "b", plan))


def test_notes_in_another_order(tmp_path: Path) -> None:
    plan = Plan(notes=NOTES[::-1], result=of_synthetic(digest=digest_of(NOTES)))
    assert "data-mismatch" in asked(make_bundle(tmp_path / "b", plan))


def test_a_count_that_is_not_that_of_the_notes(tmp_path: Path) -> None:
    assert "data-count" in asked(make_bundle(tmp_path / "b", Plan(result=of_synthetic(notes=13))))


def test_a_part_of_the_notes_scanned(tmp_path: Path) -> None:
    plan = Plan(result=lambda result: replace(result, scanned=result.total - 1))
    assert {"data-partial", "verdict-blocked"} <= asked(make_bundle(tmp_path / "b", plan))


def test_nothing_scanned_of_nothing(tmp_path: Path) -> None:
    plan = Plan(result=lambda result: replace(result, scanned=0, total=0))
    assert {"data-partial", "verdict-blocked"} <= asked(make_bundle(tmp_path / "b", plan))


def test_a_digest_that_only_the_publisher_can_check(tmp_path: Path) -> None:
    assert "data-mismatch" in asked(make_bundle(tmp_path / "b", Plan(result=of_synthetic(keyed=True))))


def test_an_audit_left_out(tmp_path: Path) -> None:
    plan = Plan(result=lambda result: replace(result, audits=result.audits[:1]))
    assert "verdict-blocked" in asked(make_bundle(tmp_path / "b", plan))


def test_an_audit_that_failed(tmp_path: Path) -> None:
    def failed(result: AuditResult) -> AuditResult:
        return replace(result, audits=(result.audits[0], replace(result.audits[1], status="failed", reason="x")))

    assert "verdict-blocked" in asked(make_bundle(tmp_path / "b", Plan(result=failed)))


def test_a_report_edited(tmp_path: Path) -> None:
    edit = rewritten(layout.REPORT, lambda page: page.replace(b"0.520", b"0.500").replace(b"Small", b"Large"))
    assert asked(make_bundle(tmp_path / "b", Plan(edit=edit))) == {"report-differs"}


@pytest.mark.parametrize("change", [lambda d: d + b"\n", lambda d: d.replace(b"\n", b"\r\n"), lambda d: d[:-1]])
def test_a_report_that_looks_the_same_with_other_bytes(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    assert asked(make_bundle(tmp_path / "b", Plan(edit=rewritten(layout.REPORT, change)))) == {"report-differs"}


def test_a_report_with_a_script(tmp_path: Path) -> None:
    edit = rewritten(layout.REPORT, lambda page: page.replace(b"</body>", b"<script>alert(1)</script></body>"))
    assert asked(make_bundle(tmp_path / "b", Plan(edit=edit))) == {"report-differs"}


_CROISSANTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "data from elsewhere": lambda c: c["distribution"][0].update(contentUrl="https://example.org/notes.jsonl"),
    "another digest": lambda c: c["distribution"][0].update(sha256="0" * 64),
    "a file more": lambda c: c["distribution"].append({**c["distribution"][0], "@id": "x", "contentUrl": "../../x"}),
    "a shard less": lambda c: c["distribution"].pop(),
    "records from elsewhere": lambda c: c["recordSet"][0]["field"][0]["source"].update(fileObject={"@id": "x"}),
    "another licence": lambda c: c.update(license="https://spdx.org/licenses/CC0-1.0.html"),
    "another title": lambda c: c.update(alternateName="Real notes"),
    "another publisher": lambda c: c["publisher"].update(name="Another hospital"),
    "another release": lambda c: c.update(version="7.0.0"),
    "no data": lambda c: c.pop("distribution"),
}


@pytest.mark.parametrize("lie", _CROISSANTS)
def test_a_description_for_loaders_that_says_otherwise(tmp_path: Path, lie: str) -> None:
    edit = changed(layout.CROISSANT, _CROISSANTS[lie])
    assert asked(make_bundle(tmp_path / "b", Plan(edit=edit))) == {"metadata-differs", "report-differs"}


def test_a_description_for_loaders_that_is_a_list(tmp_path: Path) -> None:
    edit = rewritten(layout.CROISSANT, lambda data: b"[" + data + b"]")
    assert {"metadata-differs"} <= asked(make_bundle(tmp_path / "b", Plan(edit=edit)))


_RELEASES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "release_id": lambda r: r.update(release_id="0" * 32),
    "shards": lambda r: r["data"].update(shards=["data/notes-00000.jsonl"]),
    "copies": lambda r: r["data"].update(copies=["brat"]),
    "digest": lambda r: r["data"].update(digest="0" * 64),
    "notes": lambda r: r["data"].update(notes=120_000),
    "lock": lambda r: r["tool"].update(lock_sha256="0" * 64),
}


@pytest.mark.parametrize("lie", _RELEASES)
def test_a_release_document_that_says_otherwise(tmp_path: Path, lie: str) -> None:
    release = {"data": None}
    reference = make_bundle(tmp_path / "reference")
    record = json.loads((reference / layout.RELEASE).read_bytes())
    _RELEASES[lie](record)
    release = {name: record[name] for name in ("data", "tool")}
    edit = changed(layout.RELEASE, _RELEASES[lie]) if lie == "release_id" else None
    plan = Plan(edit=edit) if edit else Plan(release=release)
    # The manifest takes its header from the release, so a header that lies is put back there.
    assert {"metadata-differs", "report-differs"} & asked(make_bundle(tmp_path / "b", plan))


def test_a_first_release_with_one_before_it(tmp_path: Path) -> None:
    assert asked(make_bundle(tmp_path / "b", Plan(release={"previous": "0" * 64}))) == {"metadata-differs"}


def test_a_second_release_with_none_before_it(tmp_path: Path) -> None:
    assert asked(make_bundle(tmp_path / "b", Plan(release={"sequence": 2}))) == {"metadata-differs"}


@pytest.mark.parametrize(
    ("release", "code"),
    [
        ({"created": "2026-11-22T13:00:00Z"}, "not-yet-valid"),
        ({"valid_until": "2026-11-22T12:00:00Z"}, "expired"),
        ({"valid_until": "2026-11-22T11:59:59Z"}, "expired"),
        ({"valid_until": later(CREATED, days=366)}, "validity-too-long"),
        ({"valid_until": CREATED}, "validity-too-long"),
        ({"valid_until": "2025-11-21T10:00:00Z"}, "validity-too-long"),
    ],
)
def test_a_time_that_is_not_right(tmp_path: Path, release: dict[str, Any], code: str) -> None:
    assert code in asked(make_bundle(tmp_path / "b", Plan(release=release)))


@pytest.mark.parametrize("field", ["created", "valid_until"])
def test_a_day_that_does_not_exist(tmp_path: Path, field: str) -> None:
    edit = changed(layout.RELEASE, lambda r: r.update({field: "2026-02-30T10:00:00Z"}))
    with pytest.raises(ValueError, match=r"validation error|does not have the keys"):
        make_bundle(tmp_path / "b", Plan(edit=edit))
    assert "manifest" in asked(tmp_path / "b")


def test_older_than_the_recipient_takes(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    assert asked(bundle, trust_of(max_age_days=1)) == {"too-old"}


def test_made_for_somebody_else(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    assert asked(bundle, trust_of(recipient="Another group")) == {"recipient"}
    assert asked(bundle, trust_of(recipient=None)) == set()


def test_a_waiver_by_a_trusted_key(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", waived_plan())
    with (bundle / layout.ATTESTATIONS).open("ab") as stream:
        stream.write(approval_line(bundle, signer("approver"), outcome="pass-with-waivers") + b"\n")
    assert asked(bundle) == set()


@pytest.mark.parametrize(
    "waivers",
    [
        b"[]",
        waiver(key="stranger"),
        waiver(key="release"),
        waiver(expires=date(2026, 11, 21)),  # good when it was signed, and today no more
        waiver(expires=date(2027, 10, 1)),
        waiver(data_digest="0" * 64),
        waiver(rule="even-better"),
        waiver(rule="no-copy"),
        waiver(requester="The waiver key"),
        waiver(issued=date(2026, 12, 1)),
    ],
    ids=["none", "stranger", "release key", "expired", "too long", "other data", "other rule", "not to be waived",
         "own", "not yet"],
)  # fmt: skip
def test_a_waiver_that_waives_nothing(tmp_path: Path, waivers: bytes) -> None:
    assert "verdict-blocked" in asked(make_bundle(tmp_path / "b", Plan(result=broken, waivers=waivers)))


def test_a_waiver_by_a_key_that_has_ended_since(tmp_path: Path) -> None:
    """Its claim tells its own day of issue: whoever finds an old key could date one back."""
    bundle = make_bundle(tmp_path / "b", Plan(result=broken, waivers=waiver()))
    ended = trusted("waiver", "waiver", until=NOW.date())
    keys = (*(key for key in trust_of().keys if "waiver" not in key.roles), ended)
    assert {"verdict-blocked"} <= asked(bundle, trust_of(keys=keys))


def test_a_waiver_key_that_the_recipient_does_not_trust(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", Plan(result=broken, waivers=waiver()))
    keys = tuple(key for key in trust_of().keys if "waiver" not in key.roles)
    assert {"verdict-blocked", "verdict-differs"} <= asked(bundle, trust_of(keys=keys))


_CONFUSIONS: dict[str, Callable[[bytes], bytes]] = {
    "a key twice": lambda data: data.replace(b'"scanned"', b'"scanned": 999, "scanned"', 1),
    "a key twice, once by an escape": lambda data: data.replace(b'"scanned"', b'"\\u0073canned": 999, "scanned"', 1),
    "1e400": lambda data: data.replace(b"0.52", b"1e400", 1),
    "an integer as a fraction": lambda data: data.replace(b'"scanned": 18', b'"scanned": 18.0', 1),
    "an integer beyond what readers hold": lambda data: data.replace(b'"scanned": 18', b'"scanned": 9007199254740993'),
    "true for one": lambda data: data.replace(b'"version": 1', b'"version": true', 1),
    "half a character by its bytes": lambda data: data.replace(b"Somebody", b"\xed\xa0\x80", 1),
    "NaN": lambda data: data.replace(b"0.52", b"NaN", 1),
    "Infinity": lambda data: data.replace(b"0.52", b"-Infinity", 1),
    "1e999": lambda data: data.replace(b"0.52", b"1e999", 1),
    "a huge integer": lambda data: data.replace(b'"scanned": 18', b'"scanned": ' + b"9" * 5000, 1),
    "deep nesting": lambda data: data.replace(b'"null": {}', b'"null": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000, 1),
    "a byte-order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "half a character": lambda data: data.replace(b'"Why."', b'"\\ud800"', 1),
    "two values": lambda data: data + b"{}",
    "nothing": lambda _: b"",
    "a list": lambda data: b"[" + data + b"]",
    "another format": lambda data: data.replace(b"audit-result/1", b"audit-result/9"),
    "an unknown key": lambda data: data.replace(b'"scanned"', b'"score": 1, "scanned"', 1),
}


@pytest.mark.parametrize("confusion", _CONFUSIONS)
def test_a_result_that_can_be_read_in_two_ways(tmp_path: Path, confusion: str) -> None:
    edit = rewritten(layout.RESULT, _CONFUSIONS[confusion])
    bundle = make_bundle(tmp_path / "b", Plan(edit=edit))
    assert (bundle / layout.RESULT).read_bytes() != (make_bundle(tmp_path / "o") / layout.RESULT).read_bytes()
    assert {"document", "not-checked"} <= asked(bundle)


@pytest.mark.parametrize("path", [layout.RESOLVED, layout.WAIVERS, layout.VERDICT, layout.RECEIPTS])
def test_a_document_that_is_not_canonical(tmp_path: Path, path: str) -> None:
    edit = rewritten(path, lambda data: data.replace(b"{", b"{ ", 1).replace(b"[]", b"[ ]", 1))
    assert "document" in asked(make_bundle(tmp_path / "b", Plan(edit=edit)))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("draft"),
        lambda r: r.update(draft=0),
        lambda r: r.update(extra=1),
        lambda r: r.update(format="deidrelease.release/2"),
        lambda r: r.update(report_format="deidrelease.report/9"),
    ],
)
def test_a_release_document_of_another_form(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    plan = Plan(edit=changed(layout.RELEASE, change))
    with pytest.raises(ValueError, match="1 validation error"):
        make_bundle(tmp_path / "b", plan)
    assert "document" in asked(tmp_path / "b")


def test_a_file_that_has_no_place_in_a_bundle(tmp_path: Path) -> None:
    def add(folder: Path) -> None:
        (folder / "audit/findings.private.jsonl").write_bytes(b"{}")

    with pytest.raises(BundleError, match="has no place in a bundle"):
        make_bundle(tmp_path / "b", Plan(edit=add))


def _resigned(bundle: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes the manifest and signs everything about it anew."""
    manifest = json.loads(build(bundle))
    change(manifest)
    (bundle / layout.MANIFEST).write_bytes(canonical(manifest))
    digest = manifest_digest(canonical(manifest))
    lines = []
    for line in (bundle / layout.ATTESTATIONS).read_bytes().splitlines()[:2]:
        statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
        statement["subject"][0]["digest"]["sha256"] = digest
        lines.append(sign(canonical(statement), "application/vnd.in-toto+json", signer("release")))
    with suppress(ValueError):  # of a manifest that cannot be read there is no approval
        lines.append(approval_line(bundle, signer("approver")))
    (bundle / layout.ATTESTATIONS).write_bytes(b"".join(line + b"\n" for line in lines))


def _listed(path: str, **other: Any) -> Callable[[dict[str, Any]], Any]:
    def change(manifest: dict[str, Any]) -> None:
        entry = {**manifest["files"][0], "path": path, **other}
        manifest["files"] = sorted([*manifest["files"], entry], key=lambda file: file["path"])

    return change


_MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], Any], set[str]]] = {
    "../": (_listed("../outside.json"), {"file-role", "file-missing"}),
    "absolute": (_listed("/etc/passwd"), {"file-role", "file-missing"}),
    "drive": (_listed("C:\\windows"), {"file-role", "file-missing"}),
    "NUL": (_listed("data/a\u0000b"), {"file-role", "file-missing"}),
    "its own": (_listed(layout.MANIFEST), {"file-role", "file-missing"}),
    "the statements": (_listed(layout.ATTESTATIONS), {"file-role", "file-missing"}),
    "a path twice": (lambda m: m["files"].append(m["files"][-1]), {"manifest"}),
    "out of order": (lambda m: m["files"].reverse(), {"manifest"}),
    "another role": (lambda m: m["files"][0].update(role="data"), {"file-role"}),
    "another media type": (lambda m: m["files"][0].update(media_type="text/html"), {"file-role"}),
    "a file left out": (lambda m: m["files"].pop(), {"file-added"}),
    "no data": (lambda m: m.update(files=m["files"][:1]), {"file-added", "file-missing", "not-checked"}),
    "a size": (lambda m: m["files"][0].update(size=10**15), {"too-large"}),
    "a negative size": (lambda m: m["files"][0].update(size=-1), {"manifest"}),
    "an unknown key": (lambda m: m.update(extra=1), {"manifest"}),
    "another format": (lambda m: m.update(format="deidrelease.bundle/2"), {"manifest"}),
    "sequence 0": (lambda m: m.update(sequence=0), {"manifest"}),
    "a dataset with a slash": (lambda m: m.update(dataset="../x"), {"manifest"}),
    "another dataset": (lambda m: m.update(dataset="other"), {"metadata-differs", "statement-differs"}),
}  # fmt: skip


@pytest.mark.parametrize("lie", _MANIFESTS)
def test_a_manifest_signed_as_it_is(tmp_path: Path, lie: str) -> None:
    bundle = make_bundle(tmp_path / "b")
    change, expected = _MANIFESTS[lie]
    _resigned(bundle, change)
    assert expected <= asked(bundle)


@pytest.mark.parametrize("gap", ["data/notes-00001.jsonl", "data/notes-00000.jsonl"])
def test_a_shard_left_out_of_the_data_and_of_the_manifest(tmp_path: Path, gap: str) -> None:
    bundle = make_bundle(tmp_path / "b")
    (bundle / gap).unlink()
    _resigned(bundle, lambda _: None)
    assert {"file-role", "data-mismatch", "data-count"} <= asked(bundle)


def test_shards_renumbered_and_signed_again(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    one, two = bundle / "data/notes-00000.jsonl", bundle / "data/notes-00001.jsonl"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    _resigned(bundle, lambda _: None)
    assert "data-mismatch" in asked(bundle)


@pytest.mark.parametrize("at", [-1, 20], ids=["before the line end", "within a note"])
def test_a_shard_that_ends_within_a_line(tmp_path: Path, at: int) -> None:
    """The shards in a row are the audited notes still; read one by one they are not."""
    bundle = make_bundle(tmp_path / "b")
    one, two = bundle / "data/notes-00000.jsonl", bundle / "data/notes-00001.jsonl"
    lines = one.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:-1]) + lines[-1][:at]
    two.write_bytes(lines[-1][at:] + two.read_bytes())
    one.write_bytes(kept)
    _resigned(bundle, lambda _: None)
    assert "data-count" in asked(bundle)


@pytest.mark.parametrize("copy", ["brat", "parquet"])
def test_a_copy_of_the_same_notes(tmp_path: Path, copy: str) -> None:
    assert asked(make_bundle(tmp_path / "b", Plan(copies=(copy,)))) == set()


def test_a_copy_in_brat_that_says_something_else(tmp_path: Path) -> None:
    def edit(folder: Path) -> None:
        path = next(folder.glob("data/brat/*.txt"))
        path.write_text(path.read_text().replace("control", "cancer!"))

    assert asked(make_bundle(tmp_path / "b", Plan(copies=("brat",), edit=edit))) == {"copy-differs"}


def test_a_copy_in_brat_with_a_span_less(tmp_path: Path) -> None:
    edit = rewritten("data/brat/s3.ann", lambda _: b"")
    assert asked(make_bundle(tmp_path / "b", Plan(copies=("brat",), edit=edit))) == {"copy-differs"}


def test_a_copy_in_brat_that_nobody_can_read(tmp_path: Path) -> None:
    edit = rewritten("data/brat/s3.ann", lambda _: b"T1\tNAME 0 99999\tx\n")
    assert asked(make_bundle(tmp_path / "b", Plan(copies=("brat",), edit=edit))) == {"copy-differs"}


def test_a_copy_in_parquet_of_other_notes(tmp_path: Path) -> None:
    def edit(folder: Path) -> None:
        from deidrelease.formats import parquet

        (folder / layout.PARQUET).unlink()
        parquet.write(OTHERS, folder / layout.PARQUET)

    assert asked(make_bundle(tmp_path / "b", Plan(copies=("parquet",), edit=edit))) == {
        "copy-differs",
        "report-differs",
    }


def test_a_copy_in_parquet_that_is_none(tmp_path: Path) -> None:
    edit = rewritten(layout.PARQUET, lambda data: data[:-20] + b"\0" * 20)
    assert asked(make_bundle(tmp_path / "b", Plan(copies=("parquet",), edit=edit))) == {
        "copy-differs",
        "report-differs",
    }


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        verify(make_bundle(tmp_path / "b"), trust_of(), NOW.replace(tzinfo=None), None)


def test_the_same_moment_in_another_zone(tmp_path: Path) -> None:
    moment = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert verify(make_bundle(tmp_path / "b"), trust_of(), moment, None).ok


def test_facts_of_the_corpus_are_not_believed_from_another(tmp_path: Path) -> None:
    facts = CorpusFacts(digest_of(OTHERS), False, 12, 12)
    plan = Plan(result=lambda result: replace(result, corpora={**result.corpora, "synthetic": facts}))
    assert "data-mismatch" in asked(make_bundle(tmp_path / "b", plan))
