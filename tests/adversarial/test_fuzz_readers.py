"""A short run of the fuzzer over every reader; `make fuzz` is the long one."""

import signal
from pathlib import Path

import pytest
from fuzz import readers

from deidrelease.formats import FORMATS

READABLE = [name for name, form in FORMATS.items() if form.read]


@pytest.mark.parametrize("name", READABLE)
def test_no_broken_input_crashes_a_reader_or_gets_text_into_a_message(name: str, tmp_path: Path) -> None:
    if readers.target(name) is None:
        pytest.skip(f"{name}: its well-formed files need a library that is not installed")
    before = signal.signal(signal.SIGALRM, readers._timed_out)
    try:
        ends = readers.fuzz(name, 150, seed=1, folder=tmp_path / "input")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert sum(ends.values()) == 150
    # A fuzzer whose every input is refused, or none, tests one path only.
    assert any(end.startswith("read") for end in ends)
    assert any(end.startswith("refused") for end in ends)
