"""Label maps: the shipped ones cover what they say, and a map of one's own is checked key by key."""

import inspect
import os
from pathlib import Path

import pytest

from deidrelease.demo import hospital
from deidrelease.errors import ConfigError, CorpusError
from deidrelease.labels import HIPAA_CLASSES, KINDS, WHOSE, load_label_map, shipped_label_maps

CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")
MAP = """\
name: mine
version: 1
source: ours
licence: ours
description: A test.
labels:
  NAME: {hipaa: A, identifies: direct, whose: patient, surrogate: person}
  SEX: {hipaa: null, identifies: alone-not, whose: patient, surrogate: keep}
"""


def complaints(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_label_map(path)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_a_map_of_ones_own_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MAP, encoding="utf-8")
    label_map = load_label_map(path)
    assert (label_map.name, label_map["NAME"].hipaa, label_map["SEX"].hipaa) == ("mine", "A", None)
    assert label_map["SEX"].surrogate == "keep"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("surrogate: keep", "surogate: keep", "mine.yaml:8: labels.SEX.surogate: surogate is no key of a label map"),
        ("hipaa: A", "hipaa: S", "mine.yaml:7: labels.NAME.hipaa: Input should be 'A', 'B'"),
        ("whose: patient, surrogate: keep", "surrogate: keep", "mine.yaml:8: labels.SEX.whose: is missing"),
        ("  SEX:", "  NAME:", "mine.yaml:8: labels.NAME: stands twice"),
        ("identifies: direct", "identifies: somehow", "mine.yaml:7: labels.NAME.identifies: Input should be 'direct'"),
        ("surrogate: person", "surrogate: keep", "mine.yaml:7: labels.NAME: a direct identifier cannot be kept"),
        ("source: ours\n", "", "mine.yaml: source: is missing"),
        (MAP, "", "mine.yaml:1: holds no keys"),
    ],
)
def test_every_defect_has_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in MAP
    assert any(found.startswith(complaint) for found in complaints(tmp_path, MAP.replace(old, new, 1)))


def test_a_name_that_is_no_map_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"one of asq-phi, demo, i2b2-2014, meddocan, presidio, swedish-ner"):
        load_label_map("medocan")


def test_unmapped_labels_are_listed_with_their_counts() -> None:
    with pytest.raises(CorpusError) as caught:
        load_label_map("demo").require({"CITY": 4, "ZODIAC": 2, "AURA": 1})
    said = str(caught.value)
    assert "'AURA' (1 span) is not in the label map 'demo'" in said
    assert "'ZODIAC' (2 spans)" in said
    assert "CITY" not in said
    load_label_map("demo").require(["CITY"])


@pytest.mark.parametrize("name", shipped_label_maps())
def test_every_shipped_map_is_sound(name: str) -> None:
    label_map = load_label_map(name)
    assert label_map.name == name
    for label, meaning in label_map.labels.items():
        assert label == label.strip()
        assert meaning.hipaa is None or meaning.hipaa in HIPAA_CLASSES
        assert meaning.whose in WHOSE
        assert meaning.surrogate in KINDS
    # What Safe Harbor calls a name, a number or an address of one person is never only a quasi-identifier here.
    assert all(m.identifies == "direct" for m in label_map.labels.values() if m.hipaa in {"D", "E", "F", "G", "H", "J"})


def test_the_eighteen_classes() -> None:
    assert "".join(HIPAA_CLASSES) == "ABCDEFGHIJKLMNOPQR"


def test_the_demo_map_is_the_hospitals_labels() -> None:
    assert set(load_label_map("demo").labels) == set(hospital.LABELS)


@pytest.mark.slow  # presidio takes seconds to import
def test_the_presidio_map_knows_what_the_pattern_recognizers_return() -> None:
    recognizers = pytest.importorskip("presidio_analyzer.predefined_recognizers")
    known = load_label_map("presidio").labels
    entities = {
        inspect.signature(recognizer.__init__).parameters["supported_entity"].default
        for recognizer in vars(recognizers).values()
        if isinstance(recognizer, type) and "supported_entity" in inspect.signature(recognizer.__init__).parameters
    }
    entities = {entity for entity in entities if isinstance(entity, str)}
    assert len(entities) > 50
    assert sorted(entities - set(known)) == []


@pytest.mark.skipif(not CORPORA, reason="DEIDRELEASE_CORPORA is not set")
def test_the_meddocan_map_knows_all_labels_of_the_corpus() -> None:
    files = [path for part in ("train", "dev") for path in (Path(CORPORA) / "meddocan" / part).glob("*.ann")]
    labels = {line.split("\t")[1].split()[0] for path in files for line in path.read_text("utf-8").splitlines()}
    assert len(files) == 750
    load_label_map("meddocan").require(labels)
    assert {"ID_EMPLEO_PERSONAL_SANITARIO", "URL_WEB"} <= set(load_label_map("meddocan").labels)  # of the scheme
