"""The YAML of an ablation: which cells it makes, and which complaints it earns, each with its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from made.ablation_configs import BASE, write_ablation

from deidrelease.ablation.loading import load_ablation
from deidrelease.ablation.record import read_record, write_record
from deidrelease.errors import ConfigError

PRETRAINED = {"adapt": {"model": "some/model"}, "generate": {"prompt_words": 0}}


def levels(tmp_path: Path, **settings: Any) -> list[dict[str, Any]]:
    return [dict(cell.levels) for cell in load_ablation(write_ablation(tmp_path, **settings)).cells]


def refusal(tmp_path: Path, **settings: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        load_ablation(write_ablation(tmp_path, **settings))
    return str(raised.value)


def test_without_a_grid_there_is_one_cell(tmp_path: Path) -> None:
    (cell,) = load_ablation(write_ablation(tmp_path)).cells
    assert (cell.adapt_share, cell.annotator_share, cell.synthetic_share) == (1, 1, 4)
    assert cell.levels == {}


def test_the_grid_is_the_product_and_listed_cells_stand_beside_it(tmp_path: Path) -> None:
    found = levels(
        tmp_path,
        grid={"share.adapt": [0.5, 1], "adapt.epochs": [1, 2]},
        cells=[{"share.adapt": 0.25}, {"adapt.epochs": 2, "share.adapt": 1.0}],
    )
    assert [(cell["share.adapt"], cell["adapt.epochs"]) for cell in found] == [
        (0.5, 1), (0.5, 2), (1, 1), (1, 2), (0.25, 1),
    ]  # fmt: skip


def test_listed_cells_alone(tmp_path: Path) -> None:
    found = levels(tmp_path, cells=[{"synthetic_dev": 0.3}, {"share.both": 0.5}])
    assert found == [{"synthetic_dev": 0.3, "share.both": None}, {"synthetic_dev": 0.4, "share.both": 0.5}]


def test_both_is_either_share(tmp_path: Path) -> None:
    one, two = load_ablation(write_ablation(tmp_path, grid={"share.both": [0.25, 1]})).cells
    assert (one.adapt_share, one.annotator_share) == (0.25, 0.25)
    assert (two.adapt_share, two.annotator_share) == (1, 1)


def test_an_id_tells_what_a_cell_is_and_not_which_axes_there_are(tmp_path: Path) -> None:
    def ids(**settings: Any) -> list[str]:
        return [cell.id for cell in load_ablation(write_ablation(tmp_path, **settings)).cells]

    assert ids(grid={"share.adapt": [0.5]}) == ids(grid={"share.adapt": [0.5], "adapt.epochs": [1]})
    assert ids(grid={"share.both": [0.5]}) == ids(cells=[{"share.adapt": 0.5, "share.annotator": 0.5}])
    assert len(set(ids(grid={"share.adapt": [0.5, 1], "adapt.epochs": [1, 2]}))) == 4
    assert ids() != ids(base={"generate": {"temperature": 0.5}})
    assert ids() == ids(base={"seed": 9, "compute": {"threads": 2}})


def test_a_cell_is_a_whole_configuration_and_train_follows_the_annotator(tmp_path: Path) -> None:
    ablation = load_ablation(write_ablation(tmp_path, grid={"annotator.epochs": [4], "generate.temperature": [0.7]}))
    (cell,) = ablation.cells
    assert (cell.config.annotator.epochs, cell.config.train.epochs, cell.config.generate.temperature) == (4, 4, 0.7)
    assert (ablation.base.annotator.epochs, ablation.base.generate.temperature) == (5, 1)


def test_null_leaves_a_section_out(tmp_path: Path) -> None:
    grid = {"adapt.dp.epsilon": [None, 8, 2.5]}
    cells = load_ablation(write_ablation(tmp_path, base=PRETRAINED, grid=grid)).cells
    assert [cell.levels["adapt.dp.epsilon"] for cell in cells] == [None, 8, 2.5]
    assert [cell.config.adapt.dp and cell.config.adapt.dp.epsilon for cell in cells] == [None, 8, 2.5]
    base = {**PRETRAINED, "adapt": {"model": "some/model", "dp": {"epsilon": 4, "unit": "note"}}}
    without, with_it = load_ablation(write_ablation(tmp_path, base=base, grid={"adapt.dp.epsilon": [None, 8]})).cells
    assert without.config.adapt.dp is None
    assert with_it.config.adapt.dp is not None
    assert with_it.config.adapt.dp.unit == "note"


def test_a_base_in_a_file_is_not_changed_and_can_be_overridden(tmp_path: Path) -> None:
    base = tmp_path / "run.yaml"
    base.write_text(yaml.safe_dump({"run_dir": "elsewhere", **BASE}), encoding="utf-8")
    path = tmp_path / "ablation.yaml"
    path.write_text(f"out: {tmp_path / 'out'}\nbase: {base}\n", encoding="utf-8")
    ablation = load_ablation(path, ["base.adapt.epochs=5", "folds=4", "seeds=[1, 2]"])
    assert ablation.base.run_dir == tmp_path / "out"
    assert (ablation.base.adapt.epochs, ablation.settings.folds, ablation.seeds) == (5, 4, (1, 2))
    assert load_ablation(path).base.adapt.epochs == 1


def test_what_is_recorded_is_the_same_ablation(tmp_path: Path) -> None:
    path = write_ablation(tmp_path, grid={"share.adapt": [0.5, 1]}, audits=["verbatim"], margin=0.05)
    ablation = load_ablation(path, ["base.adapt.epochs=2"])
    (tmp_path / "out").mkdir()
    write_record(tmp_path / "out", ablation.record())
    again = load_ablation(tmp_path / "out" / "config.json")
    assert [cell.id for cell in again.cells] == [cell.id for cell in ablation.cells]
    assert [cell.config for cell in again.cells] == [cell.config for cell in ablation.cells]
    assert (again.base, again.seeds) == (ablation.base, (3,))
    assert read_record(tmp_path / "out").margin == 0.05


def test_audits_are_those_of_the_ablation(tmp_path: Path) -> None:
    base = {"audit": {"only": ["canary"], "language": "es"}}
    none = load_ablation(write_ablation(tmp_path, base=base)).base.audit
    some = load_ablation(write_ablation(tmp_path, base=base, audits=["verbatim"])).base.audit
    assert (none.enabled, some.enabled, some.only, some.language) == (False, True, ["verbatim"], "es")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"grid": {"share.adapt": [0]}}, "made from nothing has nothing to say"),
        ({"grid": {"share.annotator": [0]}}, "nothing can be learnt from no note"),
        ({"grid": {"synthetic.share": [0]}}, "nothing can be learnt from no note"),
        ({"grid": {"share.adapt": [1.5]}}, "is no share"),
        ({"grid": {"share.adapt": [True]}}, "is no share"),
        ({"grid": {"share.adapt": ["much"]}}, "is no share"),
        ({"grid": {"share.both": [0.5], "share.adapt": [0.5]}}, "stands beside share.adapt or share.annotator"),
        ({"grid": {"generate.count": [20]}}, "synthetic.share says how large"),
        ({"grid": {"split.dev": [0.1]}}, "cannot be varied"),
        ({"grid": {"seed": [1, 2]}}, "cannot be varied"),
        ({"grid": {"compute.threads": [1, 2]}}, "cannot be varied"),
        ({"grid": {"adapt.epoch": [1, 2]}}, "is no setting"),
        ({"grid": {"adapt.epochs": [0]}}, "greater than or equal to 1"),
        ({"grid": {"adapt.epochs": []}}, "at least 1 item"),
        ({"grid": {"adapt.dp.epsilon": [8]}}, "tokenizer would be trained on the private notes"),
        ({"cells": [{"nothing.such": 1}]}, "is no setting"),
        ({"folds": 1}, "greater than or equal to 2"),
        ({"seeds": []}, "at least 1 item"),
        ({"audits": ["no-such-audit"]}, "no audit is called no-such-audit"),
        ({"fold": 3}, "is no setting"),
        ({"base": {"adapt": {"epoch": 2}}}, "is no setting"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    told = refusal(tmp_path, **settings)
    assert words in told
    assert "ablation.yaml:" in told


def test_a_complaint_about_a_value_names_the_line_of_its_axis(tmp_path: Path) -> None:
    path = write_ablation(tmp_path, grid={"adapt.epochs": [1], "generate.top_p": [0.5, 2]})
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "generate.top_p" in text)
    with pytest.raises(ConfigError) as raised:
        load_ablation(path)
    assert f"ablation.yaml:{line}" in str(raised.value)


def test_too_many_cells_are_refused_before_they_are_made(tmp_path: Path) -> None:
    grid = {key: [n / 30 for n in range(1, 31)] for key in ("share.adapt", "share.annotator", "generate.top_p")}
    assert "makes 27000 cells" in refusal(tmp_path, grid=grid)


def test_no_base(tmp_path: Path) -> None:
    path = tmp_path / "ablation.yaml"
    path.write_text("out: x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="base: is missing"):
        load_ablation(path)
