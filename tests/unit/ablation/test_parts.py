"""The small parts: the first notes of a corpus, a model that nobody adapted, a probe's line, a table's columns."""

from pathlib import Path

import pytest
from made.ablation_configs import write_notes

from deidrelease.ablation.cut import Cut
from deidrelease.ablation.nodes import Node
from deidrelease.ablation.probing import Line, kind_of
from deidrelease.ablation.subset import Subset
from deidrelease.ablation.table import _array
from deidrelease.ablation.unadapted import Unadapted
from deidrelease.settings import AdaptSettings, ComputeSettings


@pytest.mark.parametrize("count", [1, 7, 10**6])
def test_a_cut_is_the_first_lines_to_the_byte(tmp_path: Path, count: int) -> None:
    notes, out = write_notes(tmp_path, 4), tmp_path / "cut"
    out.mkdir()
    Cut(count).run({"annotate/notes.jsonl": notes}, out, 0)
    lines = notes.read_bytes().splitlines(keepends=True)
    assert (out / "notes.jsonl").read_bytes() == b"".join(lines[:count])


@pytest.mark.slow
def test_an_unadapted_model_is_its_base(tmp_path: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from deidrelease.models.bpe import train_bpe
    from deidrelease.models.causal.language_model import load_language_model
    from deidrelease.models.devices import find_place

    tokenizer = train_bpe(["the quick brown fox jumps over the lazy dog"] * 20, 300, causal=True)
    torch.manual_seed(4)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    base = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **size)).eval()
    base.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    settings, compute = AdaptSettings(model=str(tmp_path / "base")), ComputeSettings(device="cpu")
    (tmp_path / "out").mkdir()
    Unadapted(settings, compute).run({}, tmp_path / "out", 3)
    loaded = load_language_model(tmp_path / "out" / "model", find_place(compute), download=False)
    ids = torch.tensor([loaded.token_ids("over the lazy fox")])
    with torch.no_grad():
        assert torch.equal(loaded.plain.eval()(ids).logits, base(ids).logits)


def test_what_a_training_would_do_decides_nothing_of_an_unadapted_model() -> None:
    settings = [Unadapted(AdaptSettings(epochs=n), ComputeSettings(threads=n)).settings() for n in (1, 2)]
    assert settings[0] == settings[1]


@pytest.mark.parametrize(
    ("points", "work", "expected"),
    [
        ({10: 3.0, 20: 5.0}, 100, 21.0),  # 1 + 0.2 a note
        ({10: 3.0, 20: 7.0}, 100, 40.0),  # the line would begin below nothing: it begins at nothing
        ({10: 5.0, 20: 4.0}, 100, 5.0),  # faster with more: a start, and no slope
        ({10: 3.0}, 100, 30.0),
        ({0: 3.0}, 100, 3.0),
    ],
)
def test_a_line_through_two_measurements(points: dict[float, float], work: float, expected: float) -> None:
    assert Line.through(points).at(work) == pytest.approx(expected)


def test_kinds_of_work_differ_by_what_changes_its_nature_and_not_by_its_amount() -> None:
    def node(**settings: object) -> Node:
        return Node(Subset(0.5), settings, {}, 0, "recipe", 1)

    assert kind_of(node(epochs=1, dp={"epsilon": 2, "steps": 5})) == kind_of(node(epochs=9, dp={"epsilon": 2}))
    assert kind_of(node(layers=1, epochs=1)) != kind_of(node(layers=2, epochs=1))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, 0.5], "double", [1.0, 0.5]),
        ([None, 8, 2.5], "double", [None, 8.0, 2.5]),
        ([None, None], "double", [None, None]),
        ([True, False], "bool", [True, False]),
        (["a", None], "string", ["a", None]),
        (["a", 1, None, True], "string", ['"a"', "1", None, "true"]),
    ],
)
def test_columns_have_one_kind(values: list[object], kind: str, expected: list[object]) -> None:
    array = _array(values, "a.setting")
    assert (str(array.type), array.to_pylist()) == (kind, expected)
