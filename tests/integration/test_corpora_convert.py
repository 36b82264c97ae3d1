"""Every real corpus converts into every format that is written, and comes back as it went, as far as that one carries.

The corpora are read from the folder that DEIDRELEASE_CORPORA names. `corpus check --fix` mends them first; what it
leaves out is counted here, so that nobody mends more, or less, in silence.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deidrelease.corpora.converting import Source, convert
from deidrelease.corpora.describing import describe
from deidrelease.corpora.inspecting import inspect
from deidrelease.corpora.repairing import repair
from deidrelease.formats import FORMATS, PatientSource, ReadOptions

CORPORA = os.environ.get("DEIDRELEASE_CORPORA", "")
OPTIONS = ReadOptions(PatientSource("note"), "keep-longest")
# Where it lies, its format, notes in the mended copy, notes left out.
REAL = {
    "meddocan-dev": ("meddocan/dev", "brat", 250, 0),
    "meddocan-xml": ("meddocan/xml", "i2b2", 40, 0),
    "asq-phi": ("asq-phi/synthetic_clinical_queries.txt", "asq-phi", 1051, 0),
    "swedish-ner": ("swedish-ner/train_corpus.txt", "conll", 6884, 1),
    "swedish-medical": ("swedish-medical/1177_annotated_sentences.txt", "brackets", 926, 0),
    "presidio-synthetic": ("presidio-synthetic/synth_dataset_v2.json", "presidio", 1500, 0),
}
Mended = Callable[[str], Source]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """A mended copy of a real corpus as JSONL, made once."""
    made: dict[str, Source] = {}

    def get(name: str) -> Source:
        path, form, notes, left_out = REAL[name]
        if not CORPORA:
            pytest.skip("DEIDRELEASE_CORPORA is not set; it names the folder that holds real corpora")
        if not (Path(CORPORA) / path).exists():
            pytest.skip(f"there is no {path} in DEIDRELEASE_CORPORA")
        if name not in made:
            target = tmp_path_factory.mktemp("mended") / f"{name}.jsonl"
            done = repair(Source(Path(CORPORA) / path, options=OPTIONS), target)
            assert (done.written.contents.notes, sum(done.left_out.values())) == (notes, left_out)
            assert Source(Path(CORPORA) / path, form, OPTIONS).open().name == str(Path(CORPORA) / path)
            made[name] = Source(target)
        return made[name]

    return get


@pytest.mark.parametrize("name", REAL)
def test_a_mended_copy_has_no_defect_and_can_be_described(name: str, mended: Mended) -> None:
    source = mended(name)
    assert inspect(source.open).problems == 0
    found = describe(source.open())
    assert found.notes == found.patients == REAL[name][2]
    assert sum(of.spans for of in found.types.values()) > 500
    assert sum(found.histogram.counts) + found.histogram.above == found.notes


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("to", [name for name, form in FORMATS.items() if form.write and name != "jsonl"])
@pytest.mark.parametrize("name", REAL)
def test_it_goes_into_every_format_and_back(name: str, to: str, mended: Mended, tmp_path: Path) -> None:
    source, there = mended(name), tmp_path / f"there{FORMATS[to].suffix}"
    # What the sources call meta (a template's number, a remark) has no place in formats for review.
    went = convert(source, there, to, lossy=FORMATS[to].read is None)
    assert went.written.verified == (FORMATS[to].read is not None)
    assert set(went.written.lost) <= {"meta"}
    if went.written.verified and FORMATS[to].carries == FORMATS["jsonl"].carries:
        convert(Source(there, to, ReadOptions()), tmp_path / "back.jsonl")
        # A folder of files without a list of them is read in the order of their names.
        assert sorted(lines(tmp_path / "back.jsonl")) == sorted(lines(source.path))
