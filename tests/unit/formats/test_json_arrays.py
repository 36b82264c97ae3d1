"""Objects of a JSON array, cut out without loading it: against `json.loads` of the whole."""

import json
from pathlib import Path

import pytest

from deidrelease.errors import Problem
from deidrelease.formats import drafts, json_arrays
from deidrelease.formats.json_arrays import Element, elements

OBJECTS = [{}, {"a": '}]\\"[{'}, {"b": [[1, {"c": "\\"}], "é\u2028"]}, {"d": "x" * 50, "e": {"f": []}}]


def read(tmp_path: Path, raw: bytes) -> list[Element | Problem]:
    path = tmp_path / "a.json"
    path.write_bytes(raw)
    return list(elements(path))


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_objects_come_whole_whatever_the_chunks(
    chunk: int, indent: int | None, ascii_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_arrays, "_CHUNK", chunk)
    text = "\n " + json.dumps(OBJECTS, indent=indent, ensure_ascii=ascii_only) + " \n"
    found = read(tmp_path, text.encode())
    assert [json.loads(one.raw) for one in found if isinstance(one, Element)] == OBJECTS
    assert [one.index for one in found if isinstance(one, Element)] == [0, 1, 2, 3]
    # Where each begins, counted another way.
    places, begin = [], 0
    for one in found:
        assert isinstance(one, Element)
        begin = text.encode().index(one.raw, begin)
        places.append(text.encode()[:begin].count(b"\n") + 1)
        begin += len(one.raw)
    assert [int(one.where.rpartition(":")[2]) for one in found] == places


BAD = {
    "empty": ("", 0, 1, "ends before its array does"),
    "an object": ('{"a": 1}', 0, 1, "is no array of objects"),
    "a word": ("x [{}]", 0, 1, "is no array of objects"),
    "a number": ("[{},\n1, {}]", 1, 2, "something other than objects"),
    "a string": ('["a", {}]', 0, 1, "something other than objects"),
    "a list": ("[{}, []]", 1, 1, "something other than objects"),
    "no comma": ("[{} {}]", 1, 1, "something other than objects"),
    "a comma too many": ("[{},]", 1, 1, "something other than objects"),
    "a brace": ("[{},\n{}}]", 2, 2, "something other than objects"),
    "cut off": ('[{},\n{"a": 1', 1, 2, "ends before its array does"),
    "cut off in a string": ('[{},\n{"a": "', 1, 2, "ends before its array does"),
    "two arrays": ("[{}]\n[{}]", 1, 2, "is no array of objects"),
    "words behind": ("[{}] x", 1, 1, "goes on behind its array"),
}


@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.parametrize("case", BAD)
def test_what_is_no_array_of_objects_ends_with_one_problem(
    case: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_arrays, "_CHUNK", chunk)
    text, count, line, what = BAD[case]
    *good, problem = read(tmp_path, text.encode())
    assert isinstance(problem, Problem)
    assert all(isinstance(one, Element) for one in good)
    assert len(good) == count
    assert what in problem.what
    assert (problem.where, problem.kind) == (f"{tmp_path / 'a.json'}:{line}", "syntax")


def test_an_empty_array_has_no_objects_and_a_huge_object_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(tmp_path, b" [ ] ") == []
    monkeypatch.setattr(drafts, "NOTE_BYTES", 100)
    monkeypatch.setattr(json_arrays, "_CHUNK", 10)
    assert len(read(tmp_path, json.dumps([{"a": "x" * 50}] * 20).encode())) == 20
    _, problem = read(tmp_path, b'[{},\n{"a": "' + b"x" * 500)
    assert isinstance(problem, Problem)
    assert (problem.where, problem.kind) == (f"{tmp_path / 'a.json'}:2", "too-large")
