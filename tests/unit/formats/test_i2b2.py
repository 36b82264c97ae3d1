"""i2b2 XML: what is read and refused; nothing of XML that could do harm; MEDDOCAN's golden pairs."""

import os
import xml.etree.ElementTree as ET
from itertools import islice
from pathlib import Path

import pytest

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions, drafts, i2b2, open_corpus
from deidrelease.formats.table import find_format
from deidrelease.notes import Note, Span

SECRET = "Lázaro"  # stands in every note below; no message may hold it
TEXT = f"{SECRET} Gil\nvive en Lugo.\n"  # Lázaro 0-6, Gil 7-10, LF 10, vive 11-15, en 16-18, Lugo 19-23
TAG = '<NAME id="T1" start="0" end="6" text="Lázaro" TYPE="PATIENT" comment=""/>'
MERGE = ReadOptions(PatientSource("note"), merge=True)
MEND = ReadOptions(PatientSource("note"), mend=True)


def document(tags: str = TAG, text: str = TEXT, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return f"{head}\n<root>\n<TEXT><![CDATA[{text}]]></TEXT>\n<TAGS>\n{tags}\n</TAGS>\n</root>\n"


def corpus(tmp_path: Path, content: str | bytes, name: str = "a.xml") -> Path:
    path = tmp_path / "corpus"
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def notes(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Note]:
    return list(open_corpus(path, "i2b2", options))


def problems(path: Path, options: ReadOptions = EVERY_NOTE_A_PATIENT) -> list[Problem]:
    with pytest.raises(CorpusError) as caught:
        notes(path, options)
    assert "zaro" not in str(caught.value)
    assert "Lugo" not in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)
    return list(caught.value.problems)


def test_text_and_tags_are_read_whatever_the_root_is_called(tmp_path: Path) -> None:
    path = corpus(tmp_path, document())
    assert find_format(path).name == "i2b2"
    assert notes(path) == [Note("a", "a", TEXT, (Span(0, 6, "PATIENT"),))]
    assert find_format(path / "a.xml").name == "i2b2"
    assert notes(path / "a.xml") == notes(path)


def test_overlapping_tags_and_none_at_all_are_read(tmp_path: Path) -> None:
    tags = TAG + '<LOCATION id="T2" start="0" end="10" text="Lázaro Gil" TYPE="HOSPITAL"/>'
    assert notes(corpus(tmp_path, document(tags)))[0].spans == (Span(0, 6, "PATIENT"), Span(0, 10, "HOSPITAL"))
    assert notes(corpus(tmp_path, document("")))[0].spans == ()


def test_patients_come_from_the_file_name(tmp_path: Path) -> None:
    path = corpus(tmp_path, document(), "220-03.xml")
    (note,) = notes(path, ReadOptions(PatientSource("file", r"(\d+)-\d+\.xml")))
    assert (note.note_id, note.patient_id) == ("220-03", "220")
    (problem,) = problems(corpus(tmp_path, document('<NAME start="0" end="99" TYPE="X"/>'), "220-03.xml"),
                          ReadOptions(PatientSource("file", r"(\d+)-\d+\.xml")))  # fmt: skip
    assert "220" not in str(problem)


def test_cr_lf_in_the_file_is_one_line_feed_of_the_text(tmp_path: Path) -> None:
    path = corpus(tmp_path, document(f'{TAG}<X start="19" end="23" text="Lugo" TYPE="CITY"/>').replace("\n", "\r\n"))
    (note,) = notes(path)
    assert note.text == TEXT
    assert note.spans == (Span(0, 6, "PATIENT"), Span(19, 23, "CITY"))


def test_a_tab_or_line_end_in_an_attribute_is_a_space_to_xml(tmp_path: Path) -> None:
    tag = '<X start="0" end="10" text="Lázaro\tGil" TYPE="A"/><X start="7" end="15" text="Gil\nvive" TYPE="B"/>'
    (note,) = notes(corpus(tmp_path, document(tag, TEXT.replace(" Gil", "\tGil"))))
    assert note.spans == (Span(0, 10, "A"), Span(7, 15, "B"))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_is_the_one_that_xml_declares(codec: str, tmp_path: Path) -> None:
    name = {"utf-8-sig": "UTF-8"}.get(codec, codec)
    raw = document(head=f"<?xml version='1.0' encoding='{name}'?>").encode(codec)
    path = corpus(tmp_path, raw)
    assert find_format(path).name == "i2b2"
    assert notes(path)[0].text == TEXT


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BAD = {
    "cut off": (document()[:-30], 7, "is no well-formed XML", "syntax"),
    "empty file": ("", 1, "is no well-formed XML", "syntax"),
    "an ampersand": (document().replace("<TAGS>", "<TAGS>&"), 6, "is no well-formed XML", "syntax"),
    "NUL": (document(text="Lázaro\0"), 3, "is no well-formed XML", "syntax"),
    "unknown entity": (document('<X start="0" end="6" TYPE="&x;"/>'), 7, "is no well-formed XML", "syntax"),
    "no TEXT": ("<r><TAGS/></r>", 1, "has no TEXT", "syntax"),
    "no TAGS": ("<r><TEXT>Lázaro</TEXT></r>", 0, "has no TAGS", "missing-annotations"),
    "two TEXT": ("<r><TEXT>a</TEXT><TEXT>Lázaro</TEXT><TAGS/></r>", 1, "has a second TEXT", "syntax"),
    "inline": ("<r><TEXT><b>Lázaro</b></TEXT><TAGS/></r>", 1, "has elements inside TEXT", "unsupported"),
    "another element": ("<r><TEXT/><TAGS/>\n<Lugo/></r>", 2, "has an element beside TEXT and TAGS", "unsupported"),
    "text outside": ("<r>Lázaro<TEXT/><TAGS/></r>", 1, "has text outside TEXT", "syntax"),
    "deep": ("<r>" + "<a>" * 100_000, 1, "is nested too deeply", "syntax"),
    "no start": (document('<X end="6" TYPE="Y"/>'), 7, "a tag has no start", "field"),
    "a float": (document('<X start="0" end="6.0" TYPE="Y"/>'), 7, "a tag has no end", "field"),
    "negative": (document('<X start="-1" end="6" TYPE="Y"/>'), 7, "a tag has no start", "field"),
    "other digits": (document('<X start="0" end="٦" TYPE="Y"/>'), 7, "a tag has no end", "field"),
    "no TYPE": (document('<X start="0" end="6"/>'), 7, "a tag has no TYPE", "label"),
    "unknown attribute": (document('<X start="0" end="6" TYPE="Y" Lugo=""/>'), 7, "a tag has 1 unknown", "field"),
    "a remark": (document('<X start="0" end="6" TYPE="Y" comment="Lugo"/>'), 7, "annotator's remark", "unsupported"),
    "outside": (document('<X start="0" end="99" TYPE="Y"/>'), 7, "span 0-99 is empty or lies outside", "offsets"),
    "empty": (document('<X start="6" end="6" TYPE="Y"/>'), 7, "span 6-6 is empty", "offsets"),
    "mismatch": (document('<X start="1" end="7" text="Lázaro" TYPE="Y"/>'), 7, "its text is not what", "text-mismatch"),
    "twice": (document(TAG + "\n" + TAG), 8, "stands twice", "duplicate-span"),
    "latin-1": (document().encode("latin-1"), 0, "is not UTF-8", "encoding"),
    "declared otherwise": (document(head="<?xml version='1.0' encoding='ascii'?>"), 1, "is not known", "encoding"),
    "us-ascii": (document(head="<?xml version='1.0' encoding='us-ascii'?>"), 0, "declares", "encoding"),
    "odd instruction": ("<r><TEXT/><TAGS/><?deidrelease {}?></r>", 1, "processing instruction", "field"),
    "doctype": (
        f"<!--x-->\n<!DOCTYPE r [{LAUGHS}]><r><TEXT>&a9;</TEXT><TAGS/></r>",
        2,
        "document type",
        "forbidden-xml",
    ),
    "external": ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', 1, "declares a document type", "forbidden-xml"),
    "in UTF-16": ('<?xml version="1.0"?><!DOCTYPE r><r/>'.encode("utf-16"), 1, "document type", "forbidden-xml"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    content, line, what, kind = BAD[case]
    path = corpus(tmp_path, content)
    corpus(tmp_path, document(), "b.xml")
    (problem,) = problems(path)
    assert what in problem.what
    assert (problem.where, problem.kind) == (f"{path / 'a.xml'}:{line}" if line else str(path / "a.xml"), kind)


def test_every_defect_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    tags = '<X end="6"/>\n<X start="0" end="99" TYPE="Y"/>\n<X start="0" end="6" TYPE="Y" comment="c"/>'
    found = problems(corpus(tmp_path, document(tags)))
    assert [problem.kind for problem in found] == ["field", "label", "unsupported", "offsets"]


def test_remarks_go_into_the_meta_where_that_is_asked_for(tmp_path: Path) -> None:
    path = corpus(tmp_path, document('<X id="T1" start="0" end="6" TYPE="Y" comment="sure?"/>'))
    assert notes(path, MERGE)[0].meta == {"annotator_notes": [{"on": "T1", "text": "sure?"}]}


def test_mending_reads_other_bytes_as_windows_1252(tmp_path: Path) -> None:
    (located,) = open_corpus(corpus(tmp_path, document().encode("latin-1")), "i2b2", MEND).located()
    assert located.note.text == TEXT
    assert [fix.kind for fix in located.fixes] == ["encoding"]


def test_a_huge_note_an_absent_one_and_an_empty_folder_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "NOTE_BYTES", 100)
    assert [problem.kind for problem in problems(corpus(tmp_path, document()))] == ["too-large"]
    (tmp_path / "a.xml").mkdir()
    assert [problem.kind for problem in problems(tmp_path)] == ["unreadable"]
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusError, match=r"holds no \.xml file"):
        notes(tmp_path / "bare")


def test_without_our_instruction_patients_must_be_said(tmp_path: Path) -> None:
    assert [problem.kind for problem in problems(corpus(tmp_path, document()), STRICT)] == ["no-patient"]


ODD = [
    Note("a", "p1", TEXT, (Span(0, 6, "PATIENT"), Span(0, 10, "Ünknown & <odd>")), {"k": ["?>", "é\x00"]}),
    Note("../b", "p1", "a\r\nb\rc]]>d & <e>\U0001f600\u2028\x85", (Span(0, 4, "DATE"), Span(14, 19, 'FECHAS"'))),
    Note("A", "p?>2", "", ()),
    Note("\t\u0301", "p3", "]]>\tx\ny", (Span(0, 7, "X\tY\nZ"),)),
]


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    odd = [note for note in ODD if "\n" not in str(note.spans)]
    i2b2.write(odd, tmp_path / "out")
    assert sorted(notes(tmp_path / "out", STRICT), key=lambda n: n.note_id) == sorted(odd, key=lambda n: n.note_id)


def test_other_readers_see_the_same_text_and_tags(tmp_path: Path) -> None:
    i2b2.write(ODD, tmp_path / "out")
    found = {}
    for path in (tmp_path / "out").iterdir():
        root = ET.fromstring(path.read_bytes())  # an independent reader
        text = root.findtext("TEXT") or ""
        tags = [(tag.tag, int(tag.get("start", "")), int(tag.get("end", "")), tag.get("TYPE")) for tag in root[1]]
        assert all(text[start:end] == tag.get("text") for tag, (_, start, end, _) in zip(root[1], tags, strict=True))
        found[text] = tags
    assert set(found) == {note.text for note in ODD}
    assert found[TEXT] == [("NAME", 0, 6, "PATIENT"), ("PHI", 0, 10, "Ünknown & <odd>")]
    assert [tag[0] for tag in found[ODD[1].text]] == ["DATE", "PHI"]


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_cannot_carry_is_refused_and_nothing_appears(character: str, tmp_path: Path) -> None:
    for bad in (Note("b", "p", f"x{character}"), Note("b", "p", "x", (Span(0, 1, character),))):
        with pytest.raises(CorpusError, match=rf"note 2 has U\+{ord(character):04X}") as caught:
            i2b2.write([ODD[0], bad], tmp_path / "out")
        assert "zaro" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="exists already"):
        i2b2.write(ODD, tmp_path)


@pytest.fixture
def meddocan() -> Path:
    folder = os.environ.get("DEIDRELEASE_CORPORA", "")
    if not folder:
        pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds meddocan/")
    return Path(folder) / "meddocan"


def test_the_golden_pairs_are_equal_both_ways(meddocan: Path, tmp_path: Path) -> None:
    golden = {note.note_id: note for note in notes(meddocan / "xml")}
    ours = {note.note_id: note for note in open_corpus(meddocan / "train", "brat", EVERY_NOTE_A_PATIENT)}
    assert len(golden) == 40
    assert {name: ours[name] for name in golden} == golden
    i2b2.write((ours[name] for name in golden), tmp_path / "out")
    assert {note.note_id: note for note in notes(tmp_path / "out", STRICT)} == golden
    for name in golden:
        # Not only the notes: every tag with its category, in whatever order.
        tags = [
            sorted(
                (tag.tag, int(tag.get("start", "")), tag.get("end"), tag.get("text"), tag.get("TYPE")) for tag in r[1]
            )
            for r in (ET.parse(folder / f"{name}.xml").getroot() for folder in (meddocan / "xml", tmp_path / "out"))
        ]
        assert tags[0] == tags[1]


def test_meddocan_survives_the_way_there_and_back(meddocan: Path, tmp_path: Path) -> None:
    before = list(islice(open_corpus(meddocan / "train", "brat", EVERY_NOTE_A_PATIENT), 100))
    i2b2.write(before, tmp_path / "out")
    assert notes(tmp_path / "out", STRICT) == before
