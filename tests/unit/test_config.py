"""The configuration: every complaint with its place, all at once; every setting can be overridden."""

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from deidrelease.config import load_config
from deidrelease.errors import ConfigError, Problem
from deidrelease.settings import ReleaseConfig

NEEDED = "run_dir: /tmp/r\ncorpus:\n  path: notes.jsonl\n"  # three lines: what a test adds begins at line 4


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, *overrides: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert all(problem.what and problem.remedy for problem in caught.value.problems)
    return caught.value.problems


def complain(tmp_path: Path, added: str, *overrides: str) -> list[str]:
    """Each complaint in a line, without the folder."""
    return [str(p).replace(f"{tmp_path}/", "") for p in problems(written(tmp_path, NEEDED + added), *overrides)]


def test_what_is_not_set_keeps_its_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, NEEDED))
    assert config == ReleaseConfig(run_dir=Path("/tmp/r"), corpus={"path": Path("notes.jsonl")})


# What is added from line 4 on, and the beginnings of the complaints.
BAD: dict[str, tuple[str, list[str]]] = {
    "misspelt": ("sead: 3\n", ["run.yaml:4: sead: is no setting — did you mean seed?"]),
    "misspelt inside": (
        "adapt:\n  lora:\n    rnak: 3\n",
        ["run.yaml:6: adapt.lora.rnak: is no setting — did you mean rank?"],
    ),
    "unlike anything": (
        "adapt:\n  lora:\n    zzz: 3\n",
        ["run.yaml:6: adapt.lora.zzz: is no setting — known here: alpha, dropout, rank, targets"],
    ),
    "moved": (
        "audit:\n  policy: mine.yaml\n",
        ["run.yaml:5: audit.policy: has moved to gate.policy — set that; `deidrelease policy list` names policies"],
    ),
    "waivers that nobody is trusted with": (
        "gate:\n  waivers: w.json\n",
        ["run.yaml:4: gate: waivers count only when a trusted key signed them: set gate.trust"],
    ),
    "twice": ("seed: 3\nseed: 4\n", ["run.yaml:5: seed: stands twice — keep one"]),
    "twice inside": (
        "adapt:\n  lora:\n    rank: 3\n    alpha: 1\n    rank: 3\n",
        ["run.yaml:8: adapt.lora.rank: stands twice — keep one"],
    ),
    "a word for a number": ("\nseed: many\n", ["run.yaml:5: seed: Input should be a valid integer"]),
    "half a number": ("adapt: {epochs: 1.5}\n", ["run.yaml:4: adapt.epochs: Input should be a valid integer"]),
    "below the limit": ("seed: -1\n", ["run.yaml:4: seed: Input should be greater than or equal to 0"]),
    "infinite": ("adapt: {learning_rate: .inf}\n", ["run.yaml:4: adapt.learning_rate: Input should be a finite"]),
    "no choice of this": (
        "compute:\n  device: tpu\n",
        ["run.yaml:5: compute.device: Input should be 'auto', 'cpu', 'cuda' or 'mps'"],
    ),
    "a number for a section": ("split: 3\n", ["run.yaml:4: split: Input should be a valid dictionary"]),
    "a section for a number": ("seed:\n  value: 3\n", ["run.yaml:4: seed: Input should be a valid integer"]),
    "shares": ("split:\n  train: 0.5\n", ["run.yaml:4: split: train, dev and holdout must add up to 1"]),
    "heads": (
        "adapt:\n  scratch:\n    heads: 3\n",
        ["run.yaml:5: adapt.scratch: hidden must be an even multiple of heads"],
    ),
    "date of a 13th month": ("seed: 2020-13-01\n", ["run.yaml:4: seed: is no plain value"]),
    "a tag that runs code": ("seed: !!python/object:os.system x\n", ["run.yaml:4: seed: is no plain value"]),
    "syntax": ("seed: [1\n", ["run.yaml:5: is not YAML"]),
    "a control character": ("seed: \0\n", ["run.yaml:1: is not YAML"]),
    "a section in itself": ("adapt: &a\n  lora: *a\n", ["run.yaml: has a section that holds itself"]),
    # From top to bottom of the model, whatever the order of the file.
    "all at once": (
        "adapt:\n  epochs: x\n  lora: {rnak: 1}\nsplit:\n  dev: 2\nsead: 1\n",
        [
            "run.yaml:8: split.dev: Input should be less than or equal to 1",
            "run.yaml:6: adapt.lora.rnak: is no setting",
            "run.yaml:5: adapt.epochs: Input should be a valid integer",
            "run.yaml:9: sead: is no setting",
        ],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_complaints_name_file_line_and_key(case: str, tmp_path: Path) -> None:
    added, expected = BAD[case]
    found = complain(tmp_path, added)
    assert len(found) == len(expected)
    assert all(any(line.startswith(wanted) for line in found) for wanted in expected), found


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "seed: 1\ncorpus: {format: brat}\n")
    assert [(p.where, p.what) for p in problems(path)] == [
        (f"{path}: run_dir", "is missing"),
        (f"{path}:2: corpus.path", "is missing"),
    ]


@pytest.mark.parametrize("text", ["", "# only this\n", "- a\n- b\n", "word\n"])
def test_a_file_without_keys_is_refused(text: str, tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path, text))
    assert problem.what == "holds no keys"


def test_a_file_that_is_absent_or_no_utf_8_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.yaml")
    assert "No such file" in problem.what
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"run_dir: L\xe1zaro\n")
    (problem,) = problems(path)
    assert problem.what == "is not UTF-8"
    (problem,) = problems(tmp_path)
    assert "cannot be read" in problem.what


def test_complaints_about_an_override_name_it(tmp_path: Path) -> None:
    found = complain(tmp_path, "seed: 3\n", "seed=x", "adapt.lora.rnak=4", "split.dev.x=1", "adapt.epochs=2020-13-01")
    assert sorted(line.split(" — ")[0] for line in found) == [
        "--set adapt.epochs: adapt.epochs: Input should be a valid integer, unable to parse string as an integer",
        "--set adapt.lora.rnak: adapt.lora.rnak: is no setting",
        "--set seed: seed: Input should be a valid integer, unable to parse string as an integer",
        "--set split.dev.x: split.dev: Input should be a valid number",
    ]


@pytest.mark.parametrize("override", ["seed", "=3", "adapt.=3", ".seed=3", ""])
def test_an_override_that_is_not_key_value_is_refused(override: str, tmp_path: Path) -> None:
    (line,) = complain(tmp_path, "", override)
    assert line == f"--set {override}: is not key=value — write --set seed=7"


def test_the_last_override_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, NEEDED + "seed: 3\nadapt:\n  epochs: 4\n")
    config = load_config(path, ["seed=5", "adapt.lora.rank=2", "seed=6"])
    assert (config.seed, config.adapt.epochs, config.adapt.lora.rank) == (6, 4, 2)


def leaves(model: type[BaseModel], key: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, (*key, name))
        else:
            yield (*key, name)


LEAVES = [".".join(key) for key in leaves(ReleaseConfig)]


def value(config: BaseModel, key: str) -> Any:
    return reduce(getattr, key.split("."), config)


def test_the_tree_of_settings_is_walked() -> None:
    assert len(LEAVES) > 60
    assert {"seed", "corpus.path", "annotator.scratch.heads", "train.window", "adapt.lora.targets"} <= set(LEAVES)


@pytest.mark.parametrize("key", LEAVES)
def test_every_setting_takes_its_default_as_an_override(key: str, tmp_path: Path) -> None:
    path = written(tmp_path, NEEDED)
    config = load_config(path)
    default = config.model_dump(mode="json")
    text = yaml.safe_dump(reduce(lambda section, name: section[name], key.split("."), default), default_flow_style=True)
    assert load_config(path, [f"{key}={text.removesuffix('...').strip()}"]) == config


@pytest.mark.parametrize("key", LEAVES)
def test_no_setting_takes_what_is_of_no_type(key: str, tmp_path: Path) -> None:
    # A mapping fits no leaf, so this override must reach the leaf, and be named.
    lines = complain(tmp_path, "", f"{key}={{a: 1}}")
    assert all(line.startswith(f"--set {key}: {key}") for line in lines)


# A value other than the default, of each type.
SET = [
    ("seed", "7", 7),
    ("run_dir", "/elsewhere", Path("/elsewhere")),
    ("corpus.patients", "note", "note"),
    ("adapt.learning_rate", "1e-3", 0.001),  # YAML 1.1 reads this as a word
    ("adapt.lora.targets", "[q_proj, v_proj]", ["q_proj", "v_proj"]),
    ("adapt.gradient_checkpointing", "true", True),
    ("annotator.revision", "abc", "abc"),
    ("generate.count", "12", 12),
    ("generate.count", "null", None),
]


@pytest.mark.parametrize(("key", "text", "expected"), SET)
def test_an_override_sets_its_key_alone(key: str, text: str, expected: object, tmp_path: Path) -> None:
    path = written(tmp_path, NEEDED)
    changed = load_config(path, [f"{key}={text}"])
    assert value(changed, key) == expected
    others = [k for k in LEAVES if k != key and k.replace("train.", "annotator.", 1) != key]
    before = load_config(path)
    assert [value(changed, k) for k in others] == [value(before, k) for k in others]


def test_train_takes_from_the_annotator_what_it_does_not_set(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        NEEDED
        + "annotator:\n  window: 128\n  epochs: 9\n  scratch: {layers: 2, hidden: 64}\n"
        + "train:\n  epochs: 3\n  scratch: {layers: 1}\n",
    )
    config = load_config(path, ["train.patience=1", "annotator.batch_size=5"])
    train, annotator = config.train, config.annotator
    assert (train.window, train.epochs, train.patience, train.batch_size) == (128, 3, 1, 5)
    assert (train.scratch.layers, train.scratch.hidden) == (1, 64)
    assert (annotator.epochs, annotator.patience, annotator.scratch.layers) == (9, 3, 2)
    assert load_config(written(tmp_path, NEEDED), ["annotator.window=64", "annotator.overlap=16"]).train.window == 64


def test_the_annotator_takes_nothing_from_train(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, NEEDED + "train:\n  window: 128\n"))
    assert (config.train.window, config.annotator.window) == (128, 256)


@pytest.mark.parametrize("section", ["  window: x\n", "  windw: 64\n", "  overlap: 200\n", "  scratch: {heads: 3}\n"])
def test_what_is_wrong_with_the_annotator_is_said_once(section: str, tmp_path: Path) -> None:
    (line,) = complain(tmp_path, f"annotator:\n{section}")
    assert "annotator" in line
    assert "train" not in line


def test_what_only_the_merge_breaks_is_said_of_train(tmp_path: Path) -> None:
    (line,) = complain(tmp_path, "annotator:\n  overlap: 100\ntrain:\n  window: 128\n")
    assert line.startswith("run.yaml:6: train: overlap may be at most half of window")
