"""Nothing private gets into any file of a bundle, by whatever way it came there; and it is told by the file's name."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.finished_runs import (
    ABOUT,
    KEY,
    LABELS,
    POLICY,
    corpus,
    material_of,
    private_notes,
    request_of,
    signer_of,
    write_run,
)
from made.private_notes import LABELS as MADE_LABELS
from made.private_notes import note

from deidrelease.bundle.making import Refused, make
from deidrelease.contracts import FilesScanned
from deidrelease.notes import Note
from deidrelease_audits.file_scan import Files

SENTENCE = "she could not climb the stairs to her flat since the clocks went back"
PRIVATE = [
    note("a", "Seen: [NAME María Fernández Luque], [RECORD 44718826], [MAIL mf.luque@correo.example]."),
    note("b", f"For weeks {SENTENCE}. [NAME H] and [NAME Ana] came, from [TOWN Villanueva de la Serena]."),
    note("c", "By [DOCTOR Rosa Ibáñez Quintana], record [RECORD 12]."),
]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


def scan(files: Mapping[str, str | bytes], notes: list[Note] | None = None) -> FilesScanned:
    content = {name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()}
    released = None if notes is None else corpus("synthetic", notes)
    return Files().scan(content, released, [corpus("train", PRIVATE)], MADE_LABELS, KEY)


def value(kind: str) -> str:
    """A direct identifier of the private notes."""
    found = {n.value(span) for n in private_notes()["train"] for span in n.spans if span.label == kind}
    return max(found, key=len)


def sentence() -> str:
    text = max((n.text for n in private_notes()["holdout"]), key=len)
    words = text.split()
    return " ".join(words[len(words) // 2 : len(words) // 2 + 14])


def test_every_place_that_a_publisher_writes_into_is_searched(run_dir: Path, tmp_path: Path) -> None:
    name, phone, dev = value("PATIENT_NAME"), value("PHONE"), private_notes()["dev"][0]
    label, theirs = next((s.label, dev.value(s)) for s in dev.spans if s.label == "PATIENT_NAME")
    cases: dict[str, dict[str, Any]] = {
        "title": {"about": replace(ABOUT, title=f"Notes like those of {name}")},
        "description": {"about": replace(ABOUT, description=f"An example: {sentence()}")},
        "contact": {"about": replace(ABOUT, contact=f"call {phone}")},
        "a development patient": {"about": replace(ABOUT, publisher=f"Clinic of {theirs}")},
    }
    assert label
    for what, other in cases.items():
        outcome = make(
            material_of(run_dir), request_of(tmp_path, **other), signer_of("release"), Files(), tmp_path / "b"
        )
        assert isinstance(outcome, Refused), what
        files = {hit.file for hit in outcome.hits}
        assert "metadata/release.json" in files, what
        assert "report/report.html" in files, what
        said = json.dumps([[hit.file, hit.what] for hit in outcome.hits], ensure_ascii=False)
        assert not any(private in said for private in (name, phone, theirs, sentence())), what
    assert {path.name for path in tmp_path.iterdir()} == {"policy.yaml"}


def test_a_comment_in_the_policy_is_searched(run_dir: Path, tmp_path: Path) -> None:
    policy = POLICY.replace("# Small, for tests.", f"# Ask the patient: {value('PHONE')}")
    outcome = make(material_of(run_dir), request_of(tmp_path, policy), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert {hit.file for hit in outcome.hits} == {"policy/policy.yaml"}
    assert "PHONE" in outcome.hits[0].what


def test_a_draft_with_something_private_is_not_made_either(run_dir: Path, tmp_path: Path) -> None:
    request = request_of(tmp_path, about=replace(ABOUT, title=value("PATIENT_NAME")), draft=True)
    assert isinstance(make(material_of(run_dir), request, None, Files(), tmp_path / "b"), Refused)
    assert not (tmp_path / "b").exists()


def test_a_receipt_is_searched(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    material = material_of(tmp_path / "run")
    receipt = replace(material.receipts["split"], versions={"tool": value("NATIONAL_ID")})
    leaking = replace(material, receipts={**material.receipts, "split": receipt})
    outcome = make(leaking, request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")
    assert isinstance(outcome, Refused)
    assert {hit.file for hit in outcome.hits} >= {"metadata/receipts.json"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", "for María Fernández Luque only"),
        ("x.txt", "for FERNANDEZ LUQUE, Maria only"),
        ("x.txt", "for María\n   Fernández Luque only"),
        ("x.json", '{"k": "Mar\\u00eda Fern\\u00e1ndez Luque"}'),
        ("x.json", '{"María Fernández Luque": 1}'),
        ("x.json", '{"k": "Mar&iacute;a Fern&#225;ndez Luque"}'),
        ("x.json", '{"n": 44718826}'),
        ("x.txt", "record 447-188-26."),
        ("x.txt", "id44718826x"),
        ("x.html", "<p>Mar&iacute;a <b>Fern</b>&aacute;ndez Luque</p>"),
        ("x.html", "<p title='María Fernández Luque'>x</p>"),
        ("x.html", "<!-- María Fernández Luque -->"),
        ("x.md", "[x](mailto:mf.luque%40correo.example)"),
        ("x.yaml", 'a: "Mar\\u00eda Fern\\xe1ndez Luque"\n'),
        ("x.yaml", "a: 1 # María Fernández Luque\n"),
        ("x.txt", "Mari\u0301a Ferna\u0301ndez Luque"),
        ("x.txt", "María Fernández Luque".encode("latin-1")),
        ("x.txt", "by Rosa Ibáñez Quintana"),
    ],
)
def test_an_identifier_is_found_however_it_is_written(name: str, content: str | bytes) -> None:
    found = scan({name: content, "other.txt": "nothing"})
    assert [(hit.file, "identifier" in hit.what) for hit in found.hits] == [(name, True)]


def test_a_signed_waiver_is_read_inside_its_envelope() -> None:
    payload = base64.b64encode(b'{"justification": "asked 44718826 herself"}').decode()
    envelope = json.dumps([{"payload": payload, "payloadType": "x", "signatures": []}])
    assert [hit.file for hit in scan({"policy/waivers.json": envelope}).hits] == ["policy/waivers.json"]


@pytest.mark.parametrize(
    "content",
    [
        "H and Ana of Villanueva de la Serena, 12",  # too few bits, or no direct identifier
        "Luque",  # part of a value
        "0.44 71 88 26 17.3 9 12 88 40",  # digits of a row of numbers that read like a value if joined
        "y 447188261 and 144718826",  # longer numbers
        f"44718826{'a' * 56}",  # inside a digest
        "she could not climb the stairs to",  # seven words
    ],
)
def test_what_says_nothing_of_a_patient_is_no_hit(content: str) -> None:
    assert scan({"x.txt": content}).hits == ()


def test_eight_words_in_a_row_are_a_hit_in_any_case_and_punctuation() -> None:
    found = scan({"x.txt": "She could not CLIMB — the stairs, to her (flat)!"})
    assert [(hit.file, "8 words" in hit.what) for hit in found.hits] == [("x.txt", True)]


def test_mark_up_between_the_words_hides_nothing() -> None:
    assert scan({"x.html": "<p>she <i>could</i> not</p><p>climb the stairs to her flat</p>"}).hits


def test_numbers_of_a_drawing_are_not_read_as_text() -> None:
    assert scan({"x.svg": "<svg viewBox='0 0 44718826 1'><path d='M 447 18826'/></svg>"}).hits == ()
    assert scan({"x.svg": "<svg><text>44718826</text></svg>"}).hits


def test_sizes_in_the_manifest_are_no_numbers_of_patients_but_its_texts_are_read() -> None:
    assert scan({"manifest.json": '{"size": 44718826}'}).hits == ()
    assert scan({"manifest.json": '{"path": "44718826"}'}).hits


def test_what_the_notes_say_besides_their_texts_is_searched() -> None:
    """The audits look at the texts; ids, labels and meta leave with them."""
    clean = Note("syn-1", "syn-1", "María Fernández Luque, whom the audits judge")
    assert scan({}, [clean]).hits == ()
    for leaking in (
        replace(clean, note_id="44718826"),
        replace(clean, patient_id="mf.luque@correo.example"),
        replace(clean, meta={"prompt": [{"of": "María Fernández Luque"}]}),
        replace(clean, meta={"seed": 44718826}),
    ):
        hits = scan({}, [leaking]).hits
        assert [(hit.file, hit.places) for hit in hits] == [("ids, labels and meta of the notes", 1)]


def test_our_own_sentences_are_not_the_hospitals() -> None:
    """A private note that holds words of a template by chance does not keep every release from being made."""
    from deidrelease.bundle.datasheet import PASSING

    ours = note("d", f"The nurse copied: {PASSING}")
    files = {"metadata/README.md": f"# T\n\n{PASSING}\n".encode()}
    assert Files().scan(files, None, [corpus("train", [ours])], MADE_LABELS, KEY).hits == ()


def test_our_own_sentences_hide_nothing_around_them() -> None:
    from deidrelease.bundle.datasheet import PASSING

    ours = note("d", f"Ask her brother. {PASSING}")
    files = {"metadata/README.md": f"Ask her brother. {PASSING}".encode()}
    hits = Files().scan(files, None, [corpus("train", [ours])], MADE_LABELS, KEY).hits
    assert [hit.file for hit in hits] == ["metadata/README.md"]


def test_common_names_are_no_identifiers_in_a_corpus_that_has_many() -> None:
    many = [note(f"n{i}", f"[NAME Carmen García] and [NAME {n}]") for i, n in enumerate(_names(400))]
    files = {"x.txt": b"Carmen Garc\xc3\xada"}
    rare = [note("r", "[NAME Xochitl Quetzalcoatl]")]
    everybody = [corpus("train", [*many, *rare])]
    assert Files().scan(files, None, everybody, MADE_LABELS, KEY).hits == ()
    assert Files().scan({"x.txt": b"Xochitl Quetzalcoatl"}, None, everybody, MADE_LABELS, KEY).hits


def test_a_number_of_one_patient_counts_by_its_digits_and_a_wards_telephone_does_not() -> None:
    wards = [note(f"n{i}", f"[RECORD 9133680{i // 100}0] and [RECORD 913368000]") for i in range(100, 400)]
    one = [note("p", "[RECORD 7654321] and [RECORD 654321]")]
    everybody = [corpus("train", [*wards, *one])]
    assert Files().scan({"x.txt": b"call 913368000"}, None, everybody, MADE_LABELS, KEY).hits == ()
    assert Files().scan({"x.txt": b"call 7654321"}, None, everybody, MADE_LABELS, KEY).hits
    assert Files().scan({"x.txt": b"call 654321"}, None, everybody, MADE_LABELS, KEY).hits == ()


def test_a_bundle_of_a_large_hospital_has_no_chance_hits(run_dir: Path, tmp_path: Path) -> None:
    """Every file of a real bundle against the identifiers of many more patients than its own."""
    from deidrelease.demo import hospital

    outcome = make(material_of(run_dir), request_of(tmp_path), signer_of("release"), Files(), tmp_path / "b")
    paths = [p for p in (tmp_path / "b").rglob("*") if p.is_file() and "data" not in p.parts]
    files = {p.relative_to(tmp_path / "b").as_posix(): p.read_bytes() for p in paths}
    others = [corpus("train", hospital.notes(700, ("es", "en", "sv"), seed=99))]
    found = Files().scan(files, None, others, LABELS, KEY)
    assert not isinstance(outcome, Refused)
    assert found.identifiers > 5000
    assert found.hits == ()


def test_the_scan_is_as_strict_in_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"x.txt": f"María Fernández Luque {SENTENCE}"}
    whole = scan(files)
    monkeypatch.setattr("deidrelease_audits.file_scan.scan._BATCH_CHARACTERS", 1)
    assert scan(files) == whole


def _names(count: int) -> list[str]:
    first = ("Carmen", "Ana", "Luis", "Pedro", "Marta", "Lucía", "Jorge", "Elena", "Pablo", "Laura")
    last = ("García", "López", "Martín", "Ruiz", "Gil", "Moreno", "Díaz", "Vega", "Soto", "Cano")
    return [f"{first[i % 10]} {last[i // 10 % 10]}" for i in range(count)]
