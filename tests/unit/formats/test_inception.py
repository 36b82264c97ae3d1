"""INCEpTION's exports, built by dkpro-cassis: offsets in UTF-16, layers, what is refused, what is never run."""

import importlib.util
import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions, inception, open_corpus
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

cassis = pytest.importorskip("cassis", reason="dkpro-cassis is not installed: pip install 'deidrelease[inception]'")

SECRET = "Lázaro"
TEXT = f"\U0001f600 {SECRET} Gil\r\nvive \U0001f3e5 en Lugo.\n\u2028e\u0301"
SPANS = (Span(2, 12, "NAME"), Span(24, 28, "CITY"))
CUSTOM = "webanno.custom.Phi"
WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".json": lambda cas, path: cas.to_json(path),
    ".xmi": lambda cas, path: (cas.to_xmi(path), cas.typesystem.to_xml(path.with_name("TypeSystem.xml")))[0],
}


def cas_of(text: str | None = TEXT, spans: tuple[Span, ...] = SPANS, layer: str = inception.NAMED_ENTITY) -> Any:
    system = cassis.TypeSystem()
    kind = system.create_type(layer, "uima.tcas.Annotation")
    system.create_feature(kind, "value", "uima.cas.String")
    token = system.create_type("de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token", "uima.tcas.Annotation")
    cas = cassis.Cas(system)
    cas.sofa_string, cas.sofa_mime = text, "text/plain"
    cas.add(token(begin=0, end=1))
    cas.add_all([kind(begin=span.start, end=span.end, value=span.label) for span in spans])
    return cas


def saved(tmp_path: Path, cas: Any, name: str = "n.json") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[path.suffix](cas, path)
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def notes(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Note]:
    return list(open_corpus(path, options=options))


def problems(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Problem]:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = [item for item in open_corpus(path, "inception", options).everything() if isinstance(item, Problem)]
    assert not heard
    assert not any("zaro" in str(problem) for problem in found)
    return found


@pytest.mark.parametrize("suffix", WRITERS)
def test_offsets_in_utf_16_become_code_points(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of(), f"n{suffix}")
    # On disk they count UTF-16: each of the two characters beyond the basic plane is two units.
    units = len(TEXT[: SPANS[1].start].encode("utf-16-le")) // 2
    assert units == SPANS[1].start + 2
    assert f'begin="{units}"' in path.read_text() or f'"begin": {units}' in path.read_text()
    assert find_format(path).name == "inception"
    (note,) = notes(path)
    assert note == Note("n", "n", TEXT, SPANS)
    assert [note.value(span) for span in note.spans] == [f"{SECRET} Gil", "Lugo"]


def test_folders_and_folders_of_folders_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json"):
        saved(tmp_path / "flat", cas_of(), name)
    saved(tmp_path / "flat", cas_of(), "c.xmi")
    assert [note.note_id for note in notes(tmp_path / "flat")] == ["a", "b", "c"]
    for name in ("7_1.txt/CURATION_USER.xmi", "8_1.txt/CURATION_USER.xmi"):
        saved(tmp_path / "deep", cas_of(), name)
    by_name = ReadOptions(PatientSource("file", r"^(\d+)_"))
    found = list(open_corpus(tmp_path / "deep", "inception", by_name))
    assert [(note.note_id, note.patient_id) for note in found] == [
        ("7_1.txt/CURATION_USER", "7"),
        ("8_1.txt/CURATION_USER", "8"),
    ]
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.xmi or \.json"):
        open_corpus(tmp_path / "bare", "inception")


def test_shards_hold_every_file_once_and_can_be_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        saved(tmp_path, cas_of(), f"{number}.json")
    monkeypatch.setattr(inception, "SHARD_FILES", 2)
    corpus = open_corpus(tmp_path, "inception", EVERY_NOTE_A_PATIENT)
    assert len(corpus.shards) == 3
    assert [item.note.note_id for shard in pickle.loads(pickle.dumps(corpus.shards)) for item in shard.read()] == [
        *"01234"
    ]


def test_patients_are_not_recorded(tmp_path: Path) -> None:
    assert [problem.kind for problem in problems(saved(tmp_path, cas_of()), STRICT)] == ["no-patient"]


def test_a_note_without_annotations_has_no_spans(tmp_path: Path) -> None:
    assert notes(saved(tmp_path, cas_of(spans=()))) == [Note("n", "n", TEXT)]


def test_the_only_layer_of_a_project_is_taken(tmp_path: Path) -> None:
    assert notes(saved(tmp_path, cas_of(layer=CUSTOM))) == [Note("n", "n", TEXT, SPANS)]


def test_spans_of_a_second_layer_are_not_lost_in_silence(tmp_path: Path) -> None:
    cas = cas_of()
    kind = cas.typesystem.create_type(CUSTOM, "uima.tcas.Annotation")
    cas.typesystem.create_feature(kind, "value", "uima.cas.String")
    cas.add(kind(begin=0, end=1, value="X"))
    (problem,) = problems(saved(tmp_path, cas))
    assert problem.what == f"is annotated on several layers: {inception.NAMED_ENTITY}, {CUSTOM}"
    assert problem.kind == "unsupported"


@pytest.mark.parametrize("count", [0, 2])
def test_a_layer_must_have_one_feature_that_can_be_the_label(count: int, tmp_path: Path) -> None:
    cas = cas_of(spans=())
    kind = cas.typesystem.create_type(CUSTOM, "uima.tcas.Annotation")
    for number in range(count):
        cas.typesystem.create_feature(kind, f"f{number}", "uima.cas.String")
    cas.add(kind(begin=0, end=1))
    (problem,) = problems(saved(tmp_path, cas))
    assert problem.what == f"layer {CUSTOM} has {count} features of strings, so that none is the label"


def test_an_annotation_of_a_kind_of_named_entity_is_one(tmp_path: Path) -> None:
    cas = cas_of(spans=())
    person = cas.typesystem.create_type("de.tudarmstadt.ukp.dkpro.core.api.ner.type.Person", inception.NAMED_ENTITY)
    cas.add(person(begin=2, end=8, value="NAME"))
    assert notes(saved(tmp_path, cas)) == [Note("n", "n", TEXT, (Span(2, 8, "NAME"),))]


def annotation(document: dict[str, Any], **changes: Any) -> None:
    found = next(fs for fs in document["%FEATURE_STRUCTURES"] if fs["%TYPE"] == inception.NAMED_ENTITY)
    found.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del found[name]


ANNOTATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "outside": ({"end": 4000}, "offsets"),
    "within a character": ({"begin": 1}, "offsets"),
    "turned round": ({"begin": 9, "end": 3}, "offsets"),
    "empty": ({"begin": 9, "end": 9}, "offsets"),
    "a fraction": ({"begin": 3.5}, "offsets"),
    "a string": ({"begin": SECRET}, "offsets"),
    "no label": ({"value": None}, "label"),
    "a number for a label": ({"value": 3}, "label"),
    "an empty label": ({"value": ""}, "label"),
}


@pytest.mark.parametrize("case", ANNOTATIONS)
def test_a_bad_annotation_is_a_problem_and_never_a_span_elsewhere(case: str, tmp_path: Path) -> None:
    changes, kind = ANNOTATIONS[case]
    path = changed(saved(tmp_path, cas_of(spans=SPANS[:1])), lambda document: annotation(document, **changes))
    (problem,) = problems(path)
    assert problem.kind == kind
    assert problem.where.startswith(str(path))


@pytest.mark.parametrize("suffix", WRITERS)
def test_an_offset_within_a_character_is_told_in_either_form(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of("\U0001f600ab", (Span(1, 2, "X"),)), f"n{suffix}")
    text = path.read_text()
    path.write_text(text.replace('begin="2"', 'begin="1"').replace('"begin": 2', '"begin": 1'))
    assert [problem.kind for problem in problems(path)] == ["offsets"]


def drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


EVIL = "x=None): pass\n__import__('pathlib').Path('was-run').touch()\n#"
DOCUMENTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no types": (drop("%TYPES"), "syntax"),
    "no structures": (drop("%FEATURE_STRUCTURES"), "syntax"),
    "no views": (drop("%VIEWS"), "syntax"),
    "a feature that is code": (
        lambda d: d["%TYPES"][inception.NAMED_ENTITY].update({EVIL: {"%NAME": EVIL, "%RANGE": "uima.cas.String"}}),
        "syntax",
    ),
    "a feature that is a keyword": (
        lambda d: d["%TYPES"][inception.NAMED_ENTITY].update(lambda_={}, **{"lambda": {"%RANGE": "uima.cas.String"}}),
        "syntax",
    ),
    "a type that is code": (
        lambda d: d["%TYPES"].update({EVIL: {"%NAME": EVIL, "%SUPER_TYPE": "uima.tcas.Annotation"}}),
        "syntax",
    ),
    "a type of no kind": (lambda d: d["%TYPES"].update({"a.B": {"%SUPER_TYPE": "a.B"}}), "syntax"),
    "a type that is not there": (lambda d: annotation(d, **{"%TYPE": f"a.{SECRET}"}), "syntax"),
    "a feature that is not there": (lambda d: annotation(d, **{SECRET: 1}), "syntax"),
    "text a number": (lambda d: d["%FEATURE_STRUCTURES"][0].update(sofaString=5), "syntax"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_damaged_document_is_named(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    change, kind = DOCUMENTS[case]
    path = changed(saved(tmp_path, cas_of()), change)
    (problem,) = problems(path)
    assert (problem.kind, problem.where.split(":")[0]) == (kind, str(path))
    assert not (tmp_path / "was-run").exists()


def test_a_type_system_in_xml_cannot_hold_code_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path, cas_of(), "n.xmi")
    beside = tmp_path / "TypeSystem.xml"
    whole = beside.read_text()
    for name in (f"<name>{EVIL}</name>", f'<name x="1">{EVIL}</name>', f"<name><![CDATA[{EVIL}]]></name>"):
        beside.write_text(whole.replace("<name>value</name>", name))
        assert beside.read_text() != whole
        (problem,) = problems(path)
        assert (problem.where, problem.kind) == (str(beside), "syntax")
    assert not (tmp_path / "was-run").exists()


def test_damaged_files_are_named_with_their_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of())
    path.write_bytes(path.read_bytes()[:-40])
    assert [(problem.where, problem.kind) for problem in problems(path)] == [(f"{path}:1", "syntax")]
    xmi = saved(tmp_path, cas_of(), "x.xmi")
    xmi.write_text(xmi.read_text().replace("<cas:View", "\n\n<cas:View <"))
    (problem,) = problems(xmi)
    assert problem.kind == "syntax"
    assert problem.where.startswith(f"{xmi}:")
    (tmp_path / "TypeSystem.xml").unlink()
    assert [problem.kind for problem in problems(xmi)] == ["unpaired"]


DOCTYPE = f'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY f "{SECRET}">]>'


@pytest.mark.parametrize("name", ["n.xmi", "TypeSystem.xml"])
def test_entities_are_refused_before_anything_is_expanded(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of(), "n.xmi")
    broken = tmp_path / name
    broken.write_text(DOCTYPE + broken.read_text().partition("?>")[2])
    (problem,) = problems(path)
    assert (problem.where, problem.kind) == (f"{broken}:2", "forbidden-xml")


def test_entities_cannot_hide_in_another_encoding(tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of(), "n.xmi")
    whole = path.read_text().partition("?>")[2]
    for declared in ("UTF-7", "UTF-16", "IBM037"):
        path.write_text(f"<?xml version='1.0' encoding='{declared}'?>{whole}")
        assert [problem.kind for problem in problems(path)] == ["encoding"]
    path.write_bytes(DOCTYPE.encode("utf-16") + whole.encode("utf-16-le"))
    assert [problem.kind for problem in problems(path)] == ["encoding"]


def test_bytes_that_are_not_utf_8_and_marks(tmp_path: Path) -> None:
    path = saved(tmp_path, cas_of("a\xe9", (Span(0, 1, "X"),)))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [problem.kind for problem in problems(path)] == ["byte-order-mark"]
    assert notes(path, ReadOptions(PatientSource("note"), mend=True)) == [Note("n", "n", "a\xe9", (Span(0, 1, "X"),))]
    path.write_bytes(b'{"%TYPES": "\xe9"}')
    assert [problem.kind for problem in problems(path)] == ["encoding"]


def test_no_text_is_a_problem(tmp_path: Path) -> None:
    assert [problem.kind for problem in problems(saved(tmp_path, cas_of(None, ())))] == ["field"]


def test_a_huge_file_and_one_that_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, cas_of())
    (tmp_path / "o.json").mkdir()
    assert [problem.kind for problem in problems(tmp_path)] == ["unreadable"]
    monkeypatch.setattr("deidrelease.formats.drafts.NOTE_BYTES", 10)
    assert [problem.kind for problem in problems(path)] == ["too-large"]


@pytest.mark.parametrize(("suffix", "kind"), [(".xmi", "unsupported"), (".json", "syntax")])
def test_several_views_are_refused(suffix: str, kind: str, tmp_path: Path) -> None:
    cas = cas_of()
    cas.create_view("other").sofa_string = SECRET
    assert [problem.kind for problem in problems(saved(tmp_path, cas, f"n{suffix}"))] == [kind]


def test_other_json_is_not_taken_for_a_cas(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"full_text": "x"}]')
    assert not inception.recognises(tmp_path / "a.json")
    assert not inception.recognises(tmp_path)
    assert not inception.recognises(tmp_path / "absent")


@pytest.mark.parametrize("name", ["export.zip", "export.tar.gz", "notes.jsonl.gz", "a.TGZ"])
def test_an_archive_is_to_be_unpacked_first(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(CorpusError, match="is an archive — unpack it first") as caught:
        open_corpus(tmp_path / name)
    assert [problem.kind for problem in caught.value.problems] == ["archive"]


def test_without_the_extra_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, cas_of())
    monkeypatch.setattr(
        inception, "find_spec", lambda name: None if name == "cassis" else importlib.util.find_spec(name)
    )
    with pytest.raises(CorpusError, match=r"pip install 'deidrelease\[inception\]'"):
        open_corpus(path)
