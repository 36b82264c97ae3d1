"""The documents of a bundle that others' tools read: card, Croissant, lock file, licences, what the publisher says."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made.finished_runs import ABOUT, NOW, material_of, request_of, signer_of, synthetic_notes, write_run

from deidrelease.bundle import layout
from deidrelease.bundle.about import About, load_about
from deidrelease.bundle.lock import lock_text
from deidrelease.bundle.making import Made, make
from deidrelease.bundle.release_document import json_schema
from deidrelease.errors import BundleError
from deidrelease.signing.strict_json import canonical
from deidrelease_audits.file_scan import Files

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "release-v1.schema.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "run")
    title = "Notes: *of* <b>no</b> ward | #1"
    about = replace(ABOUT, title=title, description="First.\n# No heading\n---\n<script>alert(1)</script>")
    request = request_of(folder, about=about)
    outcome = make(material_of(folder / "run"), request, signer_of("release"), Files(), folder / "b")
    assert isinstance(outcome, Made)
    return outcome


def test_the_card_is_one_that_the_hub_reads(made: Made) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(made.folder / layout.CARD)
    assert card.data.language == ["es"]
    assert card.data.license == "cc-by-4.0"
    assert card.data.pretty_name == made.release.title
    headings = [line for line in card.text.splitlines() if line.startswith("#")]
    for wanted in ("Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance"):
        assert f"## {wanted}" in headings
    assert "does not mean that the notes are anonymous" in card.text


def test_what_the_publisher_says_cannot_pass_for_what_the_tool_says(made: Made) -> None:
    text = (made.folder / layout.CARD).read_text().split("---\n", 2)[2]
    assert "<script>" not in text
    assert "<b>" not in text
    assert "\n# No heading" not in text
    assert "\n> \\# No heading" in text


def test_croissant_is_valid_and_its_records_are_the_notes(made: Made) -> None:
    from mlcroissant import Dataset

    dataset = Dataset(jsonld=str(made.folder / layout.CROISSANT))
    issues = dataset.metadata.issues
    assert not issues.errors
    assert not issues.warnings
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    assert dataset.metadata.data_limitations
    assert dataset.metadata.personal_sensitive_information
    records = list(dataset.records("notes"))
    assert [record["notes/text"].decode() for record in records] == [note.text for note in synthetic_notes()]


def test_croissant_gives_the_digest_of_each_shard(made: Made) -> None:
    document = json.loads((made.folder / layout.CROISSANT).read_bytes())
    manifest = {f["path"]: f["sha256"] for f in json.loads((made.folder / layout.MANIFEST).read_bytes())["files"]}
    assert {f["@id"]: f["sha256"] for f in document["distribution"]} == {
        path: manifest[path] for path in made.release.data.shards
    }


def test_every_json_document_but_the_result_is_canonical(made: Made) -> None:
    for path in made.folder.rglob("*.json"):
        if path.relative_to(made.folder).as_posix() not in (layout.RESULT, layout.UTILITY):
            assert canonical(json.loads(path.read_bytes())) == path.read_bytes(), path.name


def test_the_release_keeps_to_its_published_schema(made: Made) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text())
    assert schema == json_schema()
    Draft202012Validator(schema).validate(json.loads((made.folder / layout.RELEASE).read_bytes()))


def test_small_counts_are_not_told(made: Made) -> None:
    assert all(count in ("0", "1-9") or int(count) >= 10 for count in made.release.data.spans.values())


def test_the_lock_names_what_is_installed(made: Made) -> None:
    lines = (made.folder / layout.LOCK).read_text().splitlines()
    assert lines == sorted(lines)
    for name in ("deidrelease", "numpy", "pydantic", "torch", "transformers"):
        assert any(line.startswith(f"{name}==") for line in lines), name
    assert not any(line.startswith(("pytest==", "mypy==")) for line in lines)
    assert lock_text() == "\n".join(lines) + "\n"


def test_the_licence_is_named_and_grants_nothing_by_itself(made: Made) -> None:
    text = (made.folder / "licences" / "DATA-CC-BY-4.0.txt").read_text()
    assert "SPDX-License-Identifier: CC-BY-4.0" in text
    assert "https://spdx.org/licenses/CC-BY-4.0.html" in text


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(BundleError) as caught:
        About(dataset="x").complete(draft=False)
    for option in ("title", "description", "recipient", "publisher", "contact", "licence", "language"):
        assert f"--{option}" in str(caught.value)
    assert About().complete(draft=True).title == "not stated"


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ({"dataset": "Ward Notes"}, "--dataset"),
        ({"dataset": "../x"}, "--dataset"),
        ({"licence": "MIT or so"}, "--licence"),
        ({"licence": "../x"}, "--licence"),
        ({"languages": ("Spanish!",)}, "--language"),
        ({"title": "two\nlines"}, "--title"),
        ({"title": "x" * 301}, "--title"),
        ({"contact": "a\x1b[2J"}, "--contact"),
        ({"description": "a\x00"}, "--description"),
    ],
)
def test_what_cannot_be_used_is_refused(said: dict[str, object], option: str) -> None:
    with pytest.raises(BundleError, match=option):
        replace(ABOUT, **said).complete(draft=True)  # type: ignore[arg-type]


def test_a_file_says_it_and_options_go_before(tmp_path: Path) -> None:
    path = tmp_path / "about.yaml"
    path.write_text("release:\n  title: From the file\n  recipient: Them\n  languages: [es, sv]\n")
    about = About(title="By option").over(load_about(path))
    assert (about.title, about.recipient, about.languages) == ("By option", "Them", ("es", "sv"))
    path.write_text("release:\n  titel: x\n  publisher: 5\n")
    with pytest.raises(BundleError) as caught:
        load_about(path)
    assert f"{path}:2" in str(caught.value)
    assert f"{path}:3" in str(caught.value)
    assert "is no key of a release" in str(caught.value)


def test_reading_a_release_document_needs_nothing_heavy() -> None:
    code = "import sys, deidrelease.bundle.release_document, deidrelease.bundle.about; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "transformers", "huggingface_hub", "pyarrow"} & set(loaded)


def test_times_are_utc_to_the_second(made: Made) -> None:
    assert made.release.created == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
