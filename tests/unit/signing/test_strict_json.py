import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.signing.strict_json import StrictJsonError, canonical, parse_strict


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":2}', "a key twice"),
        (b'[{"a":{"b":1,"b":1}}]', "a key twice"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"-Infinity", "Infinity"),
        (b"1e999", "not finite"),
        (b"9007199254740992", "not every reader"),
        (b"9" * 5000, "not every reader"),
        (b"-9007199254740993", "not every reader"),
        (b"\xff", "UTF-8"),
        (b"\xef\xbb\xbf1", "not JSON"),
        ("1".encode("utf-16"), "UTF-8"),
        (b'"\\ud800"', "UTF-8"),
        (b'{"\\udfff":1}', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"[" * 65 + b"]" * 65, "nested deeper"),
        (b"[" * 1_000_000, "nested deeper"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested deeper"),
        (b"", "not JSON"),
        (b"1 2", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"01", "not JSON"),
        (b'"\n"', "not JSON"),
        (b'"open', "not JSON"),
        (b'"open\\', "not JSON"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(StrictJsonError, match=why) as caught:
        parse_strict(data, "it")
    assert str(caught.value).startswith("it ")
    assert len(str(caught.value)) < 200


def test_brackets_in_texts_are_no_depth() -> None:
    assert parse_strict(json.dumps("[" * 1000).encode(), "it") == "[" * 1000
    assert parse_strict(json.dumps('"' + "[{" * 100).encode(), "it") == '"' + "[{" * 100


def test_what_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(StrictJsonError, match="larger than 10 bytes"):
        parse_strict(b" " * 11, "it", most_bytes=10)


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 500_000, b'\\"' * 500_000, b'"' * 999_999, b'"\\' * 500_000])
def test_no_text_takes_longer_than_it_is_long(data: bytes) -> None:
    begin = time.monotonic()
    with pytest.raises(StrictJsonError):
        parse_strict(data, "it")
    assert time.monotonic() - begin < 5


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | st.floats(min_value=1e21, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


@given(_VALUES)
def test_canonical_text_is_read_back_and_written_the_same(value: Any) -> None:
    data = canonical(value)
    assert parse_strict(data, "it") == value
    assert canonical(parse_strict(data, "it")) == data


@pytest.mark.parametrize("value", [2.0**53, -1e16, [{"a": 999e18}], float("nan"), 2**53, "\ud800", {1: 2}, {3}, b"x"])
def test_what_could_not_be_read_back_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@given(st.binary(max_size=200))
def test_whatever_is_read_is_read_the_same_by_the_standard_library(data: bytes) -> None:
    try:
        value = parse_strict(data, "it")
    except StrictJsonError:
        return
    assert json.loads(data) == value
