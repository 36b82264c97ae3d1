"""A short run of the fuzzer over whatever reads a bundle; `make fuzz` is the long one."""

from pathlib import Path

import pytest
from fuzz import bundles


@pytest.mark.parametrize("name", bundles.NAMES)
def test_no_broken_input_crashes_a_reader_or_counts_as_signed(name: str, tmp_path: Path) -> None:
    inputs = 30 if name in bundles.SLOW else 300
    ends = bundles.fuzz(name, inputs, seed=1, place=tmp_path)
    assert sum(ends.values()) == inputs
    # A fuzzer whose every input is refused tests one path only; the first input is always the good one.
    assert ends["refused"] > inputs // 4
    assert ends["taken"] >= (0 if name == "zip" else 1)
