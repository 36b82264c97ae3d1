"""What `bundle` leaves behind: a folder that verifies, or nothing."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from made.finished_runs import (
    ABOUT,
    KEY,
    NOW,
    POLICY,
    audited,
    corpus,
    material_of,
    private_notes,
    receipts_of,
    request_of,
    signer_of,
    synthetic_notes,
    trust_of,
    write_run,
)

from deidrelease.bundle import layout
from deidrelease.bundle.approving import Approval, approve, examine
from deidrelease.bundle.collecting import Material, from_audit, from_run
from deidrelease.bundle.making import Made, Refused, make
from deidrelease.bundle.previous import read_previous
from deidrelease.bundle.shards import write_shards
from deidrelease.bundle.verification import verify
from deidrelease.errors import BundleError, CorpusError
from deidrelease.formats import open_corpus
from deidrelease.keys import SiteKey
from deidrelease.notes import Note, digest_of
from deidrelease.policy import WaiverClaim, open_waivers
from deidrelease.policy.judging import Waivers
from deidrelease.policy.waiver_files import sign_into
from deidrelease.signing.key_files import public_key_of
from deidrelease.signing.trust import TrustedKey
from deidrelease_audits.file_scan import Files


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


@pytest.fixture(scope="module")
def made(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    request = request_of(folder, copies=frozenset({"brat", "parquet"}))
    outcome = make(material_of(run_dir), request, signer_of("release"), Files(), folder / "bundle")
    assert isinstance(outcome, Made), outcome
    return outcome


def test_it_verifies_once_somebody_has_approved(made: Made, tmp_path: Path) -> None:
    trust = trust_of(request_of(tmp_path))
    before = verify(made.folder, trust, NOW, None)
    assert {failure.code for failure in before.failures} == {"approvals-too-few", "statement-missing"}
    if not examine(made.folder, trust, NOW).approvers:
        said = Approval("Eva Lind", frozenset({"report-read"}), "", NOW)
        approve(examine(made.folder, trust, NOW), said, signer_of("eva"))
    after = verify(made.folder, trust, NOW, None)
    assert after.ok, after.failures


def test_the_shards_are_what_was_audited(made: Made) -> None:
    shards = b"".join((made.folder / path).read_bytes() for path in made.release.data.shards)
    result = json.loads((made.folder / layout.RESULT).read_bytes())
    assert hashlib.sha256(shards).hexdigest() == result["corpora"]["synthetic"]["digest"] == made.release.data.digest


def test_copies_hold_the_same_notes(made: Made) -> None:
    for path, name in ((layout.BRAT, "brat"), (layout.PARQUET, "parquet")):
        assert digest_of(open_corpus(made.folder / path, name)) == made.release.data.digest


def test_no_path_no_setting_and_no_private_digest_leaves(made: Made, run_dir: Path) -> None:
    kept = {path: (made.folder / path).read_text() for path in (layout.RECEIPTS, layout.RELEASE, layout.CARD)}
    private = receipts_of(run_dir)["split"].outputs.values()
    for text in kept.values():
        assert "/srv/clinic" not in text
        assert str(run_dir) not in text
        assert not any(output.sha256 in text for output in private)
    assert set(json.loads(kept[layout.RECEIPTS])["audit"]["outputs"]) == {"result.json"}


def test_equal_requests_give_equal_bytes(made: Made, run_dir: Path, tmp_path: Path) -> None:
    request = request_of(tmp_path, copies=frozenset({"brat", "parquet"}))
    again = make(material_of(run_dir), request, signer_of("release"), Files(), tmp_path / "again")
    assert isinstance(again, Made)
    assert again.manifest_sha256 == made.manifest_sha256


def test_what_is_blocked_is_not_signed(run_dir: Path, tmp_path: Path) -> None:
    strict = POLICY.replace("at_most: 400\n    severity: warn", "at_most: 1")
    outcome = make(material_of(run_dir), request_of(tmp_path, strict), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert [judgement.rule for judgement in outcome.verdict.blocking] == ["short-spans"]
    assert {path.name for path in tmp_path.iterdir()} == {"policy.yaml"}


def test_with_a_waiver_it_passes_verifies_and_says_so(run_dir: Path, tmp_path: Path) -> None:
    strict = POLICY.replace("at_most: 400\n    severity: warn", "at_most: 1")
    told = {"id": "w-1", "policy": "small", "rule": "short-spans", "justification": "form text", "requester": "Ulf"}
    day = NOW.date()
    digest = material_of(run_dir).result.corpora["synthetic"].digest
    claim = WaiverClaim(**told, data_digest=digest, issued=day, expires=day + timedelta(days=9))
    sign_into(claim, signer_of("waiver"), tmp_path / "waivers.json")
    believed = trust_of(request_of(tmp_path, strict))
    key = TrustedKey("Ove", frozenset({"waiver"}), public_key_of(signer_of("waiver")), day, day + timedelta(days=99))
    trust = replace(believed, keys=(*believed.keys, key))
    raw = (tmp_path / "waivers.json").read_bytes()
    good, refused = open_waivers(raw, trust.keys, day)
    request = request_of(tmp_path, strict, waivers=Waivers(tuple(good), refused), waivers_file=raw)
    outcome = make(material_of(run_dir), request, signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Made)
    assert outcome.verdict.outcome == "pass-with-waivers"
    approve(examine(outcome.folder, trust, NOW), Approval("Eva", frozenset({"report-read"}), "", NOW), signer_of("eva"))
    assert verify(outcome.folder, trust, NOW, None).ok
    assert "passed with waivers" in (outcome.folder / layout.CARD).read_text()
    # The same without the waiver's key: for this recipient nobody waived anything.
    assert not verify(outcome.folder, believed, NOW, None).ok


def test_a_policy_for_smoke_tests_signs_nothing(run_dir: Path, tmp_path: Path) -> None:
    smoke = POLICY.replace("signable: true", "signable: false")
    outcome = make(material_of(run_dir), request_of(tmp_path, smoke), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert "not meant for releases" in outcome.reasons[0]


def test_a_policy_that_asks_for_less_than_the_scan_relies_on_signs_nothing(run_dir: Path, tmp_path: Path) -> None:
    material = material_of(run_dir)
    reports = tuple(report for report in material.result.audits if report.audit != "pii_replay")
    lax = POLICY.replace("[verbatim, pii_replay]", "[verbatim]")
    begin = lax.index("  no-identifiers:")
    lax = lax[:begin] + lax[lax.index("  short-spans:") :]
    blind = replace(material, result=replace(material.result, audits=reports))
    outcome = make(blind, request_of(tmp_path, lax), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert outcome.verdict.passed
    assert "pii_replay" in outcome.reasons[0]


def test_a_draft_is_unsigned_whatever_the_verdict(run_dir: Path, tmp_path: Path) -> None:
    strict = POLICY.replace("at_most: 400\n    severity: warn", "at_most: 1")
    outcome = make(material_of(run_dir), request_of(tmp_path, strict, draft=True), None, Files(), tmp_path / "draft")
    assert isinstance(outcome, Made)
    assert not (outcome.folder / layout.ATTESTATIONS).exists()
    assert "DRAFT" in (outcome.folder / layout.CARD).read_text()
    assert "draft" in (outcome.folder / layout.REPORT).read_text().lower()
    codes = {failure.code for failure in verify(outcome.folder, trust_of(request_of(tmp_path)), NOW, None).failures}
    assert "draft" in codes
    with pytest.raises(BundleError, match="is a draft"):
        examine(outcome.folder, None, NOW)


def test_a_signer_and_a_draft_exclude_each_other(run_dir: Path, tmp_path: Path) -> None:
    for signer, draft in ((None, False), (signer_of("release"), True)):
        with pytest.raises(ValueError, match="draft"):
            make(material_of(run_dir), request_of(tmp_path, draft=draft), signer, Files(), tmp_path / "b")


def test_notes_that_were_not_audited_are_refused(run_dir: Path, tmp_path: Path) -> None:
    fewer = replace(material_of(run_dir), notes=corpus("fewer", synthetic_notes()[1:]))
    with pytest.raises(BundleError, match="not those that were audited"):
        make(fewer, request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")
    assert {path.name for path in tmp_path.iterdir()} == {"policy.yaml"}


def test_other_private_notes_than_the_audits_are_refused(run_dir: Path, tmp_path: Path) -> None:
    material = material_of(run_dir)
    train = corpus("other", private_notes()["train"][1:])
    cases: list[Material] = [
        replace(material, private={**material.private, "train": train}),
        replace(material, private={"train": material.private["train"]}),
        replace(material, key=SiteKey(bytes(32))),
    ]
    for case in cases:
        with pytest.raises(BundleError, match="Nobody knows what to search for"):
            make(case, request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")


def test_a_development_note_in_the_data_is_found(tmp_path: Path) -> None:
    """No audit of a run compares with development notes; a copy of one is not released for that."""
    stolen = max(private_notes()["dev"], key=lambda note: len(note.text))
    notes = (*synthetic_notes(), replace(stolen, note_id="syn-x", patient_id="syn-x", meta={}))
    folder = tmp_path / "run"
    write_run(folder, notes, audited(notes))
    outcome = make(material_of(folder), request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert outcome.verdict.passed
    assert any("development notes" in reason for reason in outcome.reasons)
    assert not any(stolen.text[:30] in reason for reason in outcome.reasons)


def test_only_what_is_marked_releasable_is_taken(run_dir: Path) -> None:
    receipts = receipts_of(run_dir)
    for stage, name in (("annotate", "notes.jsonl"), ("audit", "result.json")):
        output = replace(receipts[stage].outputs[name], visibility="private")
        closed = replace(receipts[stage], outputs={**receipts[stage].outputs, name: output})
        with pytest.raises(BundleError, match="not marked releasable"):
            from_run(run_dir, {**receipts, stage: closed}, material_of(run_dir).label_map, KEY)


def test_a_file_that_changed_since_its_receipt_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    with (tmp_path / "run" / "annotate" / "notes.jsonl").open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(BundleError, match="not what its receipt says"):
        material_of(tmp_path / "run")


def test_validity_ends_with_what_the_policy_lets(made: Made, run_dir: Path, tmp_path: Path) -> None:
    assert made.release.valid_until == "2027-12-26T10:00:00Z"  # 400 days
    with pytest.raises(BundleError, match="at most 400"):
        make(material_of(run_dir), request_of(tmp_path, valid_days=401), signer_of("release"), Files(), tmp_path / "b")


def test_the_next_release_names_the_one_before(made: Made, run_dir: Path, tmp_path: Path) -> None:
    previous = read_previous(made.folder)
    assert previous == read_previous(made.folder / "manifest.json")
    request = request_of(tmp_path, previous=previous, release_id="6" * 32)
    second = make(material_of(run_dir), request, signer_of("release"), Files(), tmp_path / "second")
    assert isinstance(second, Made)
    assert (second.release.sequence, second.release.previous) == (2, made.manifest_sha256)
    elsewhere = replace(request, about=replace(ABOUT, dataset="other"))
    with pytest.raises(BundleError, match="another data set"):
        make(material_of(run_dir), elsewhere, signer_of("release"), Files(), tmp_path / "third")


def test_nothing_is_overwritten(made: Made, run_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="exists already"):
        make(material_of(run_dir), request_of(tmp_path), signer_of("release"), Files(), made.folder)


def test_a_corpus_from_elsewhere_goes_the_same_way(run_dir: Path, tmp_path: Path) -> None:
    private = material_of(run_dir).private
    arms = {"train": private["train"], "holdout": private["holdout"]}
    notes, labels = corpus("elsewhere", synthetic_notes()), material_of(run_dir).label_map
    result = run_dir / "audit" / "result.json"
    material = from_audit(notes, result, arms, labels, KEY, None)
    outcome = make(material, request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Made)
    card = (outcome.folder / layout.CARD).read_text()
    assert "for the publisher to say" in card
    assert "language model" not in card
    with pytest.raises(BundleError, match="had no tagger"):
        from_audit(notes, result, arms, labels, KEY, tmp_path)


def test_shards_are_cut_and_join_to_the_same_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deidrelease.bundle.shards.SHARD_NOTES", 3)
    notes = [Note(f"n{number}", "p", "x" * number) for number in range(7)]
    written = write_shards(notes, tmp_path)
    assert written.shards == tuple(f"data/notes-{number:05}.jsonl" for number in range(3))
    assert [len((tmp_path / path).read_bytes().splitlines()) for path in written.shards] == [3, 3, 1]
    assert written.digest == digest_of(notes)
    assert (written.notes, written.characters) == (7, 21)
