"""A few broken policies, waivers and verdicts on every run; `make fuzz` throws 100,000 at each reader."""

from pathlib import Path

import pytest
from fuzz.policies import aims, fuzz


@pytest.mark.parametrize("name", sorted(aims()))
def test_broken_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    inputs = 300 if name == "policy" else 600
    ends = fuzz(aims()[name], inputs, 20261121, tmp_path)
    assert sum(ends.values()) == inputs
    assert ends["read"] > 0, "nothing survived: the mutations are too coarse to test anything behind the parser"
    assert ends["refused"] > inputs // 4


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MAPPING_BOMB = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{after}: &{after} {{p: *{before}, q: *{before}}}\n"
    for before, after in zip("abcdefghijklmnopqrstuvwx", "bcdefghijklmnopqrstuvwxy", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MAPPING_BOMB,
        "name: &a\n  b: *a\n",
        "[" * 100_000,
        "{a: " * 60_000,
        "- " * 100_000,
        "? " * 100_000,
        "a: " + "1" * 250_000,
        "a: 1" + ":59" * 80_000,
        "a: !!python/object/apply:os.system [id]",
        "a: !!int ''",
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!float x",
        "".join(f"k{number}: 1\n" for number in range(20_000)),
        "%TAG ! tag:yaml.org,2002:\n---\na: 1",
        "a: 1\n---\nb: 2\n",
        "\ufeffname: x\n",
    ],
    ids=range(18),
)
def test_bombs_and_traps_are_refused_soon(text: str, tmp_path: Path) -> None:
    import time

    from deidrelease.errors import PolicyError
    from deidrelease.policy import load_policy

    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    begin = time.process_time()
    with pytest.raises(PolicyError):
        load_policy(tmp_path / "p.yaml")
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("place", ["/dev/zero", "./pipe", ".", "./link"])
def test_what_is_no_file_is_not_waited_for(place: str, tmp_path: Path) -> None:
    import os

    from deidrelease.errors import PolicyError
    from deidrelease.policy import load_policy

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("link")
    (tmp_path / "p.yaml").write_text(f"name: p\nversion: 1.0.0\nextends: {place}\n")
    with pytest.raises(PolicyError):
        load_policy(tmp_path / "p.yaml")
    with pytest.raises(PolicyError):
        load_policy(tmp_path / place)
