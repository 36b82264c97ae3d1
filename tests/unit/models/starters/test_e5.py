"""The e5 pack: a hand-built one is read value for value, becomes a model that transformers loads, or is refused."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from made.packs import HIDDEN, LAYERS, PIECES, MadePack, make_pack, q4_0

from deidrelease.errors import ModelError
from deidrelease.models.starters.e5 import convert_e5
from deidrelease.models.starters.e5_pack import read_pack, tensors_of, unpack


@pytest.fixture(scope="module")
def made() -> MadePack:
    return make_pack()


@pytest.fixture(scope="module")
def folder(made: MadePack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("e5")
    (out / "in.pack").write_bytes(made.data)
    (out / "model").mkdir()
    convert_e5(out / "in.pack", out / "model")
    return out / "model"


def test_a_block_worked_by_hand() -> None:
    # Scale 0.5; byte 0 is 0x1F: the low nibble 15 is value 0, the high nibble 1 is value 16. All others are 8: zero.
    block = struct.pack("<e", 0.5) + bytes([0x1F] + [0x88] * 15)
    values = unpack(np.frombuffer(block, np.uint8).reshape(1, 1, 18))
    expected = [0.0] * 32
    expected[0], expected[16] = 3.5, -3.5
    assert values.tolist() == [expected]


def test_every_value_is_read(made: MadePack, tmp_path: Path) -> None:
    (tmp_path / "in.pack").write_bytes(made.data)
    pack = read_pack(tmp_path / "in.pack")
    assert [piece for piece, _ in pack.pieces.pieces] == [piece for piece, _ in PIECES]
    found = {short: np.concatenate([b.ravel() for b in pack.values(short, HIDDEN)]) for short in ("emb.word", "l1.q.w")}
    for short, values in found.items():
        assert values.tolist() == pytest.approx(made.matrices[short])
    assert len(tensors_of(pack)) == 5 + 16 * LAYERS


def test_quantising_loses_less_than_a_step() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    read = unpack(np.frombuffer(q4_0(values), np.uint8).reshape(1, 2, 18))
    assert np.abs(read - values).max() < 1 / 7


def test_the_model_is_a_bert_with_these_weights(made: MadePack, folder: Path) -> None:
    from transformers import AutoModel

    model, report = AutoModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    layer = model.encoder.layer[1]
    for short, parameter in {
        "emb.word": model.embeddings.word_embeddings.weight,
        "l1.v.w": layer.attention.self.value.weight,
        "l1.fo.b": layer.output.dense.bias,
        "l1.aln.w": layer.attention.output.LayerNorm.weight,
    }.items():
        assert parameter.detach().ravel().tolist() == pytest.approx(made.matrices[short])
    assert torch.isfinite(model(torch.tensor([[0, 5, 2]])).last_hidden_state).all()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("paciente", ["▁paciente"]),
        ("a\r\nb", ["▁", "a", "▁", "b"]),
        ("a\t\n  b", ["▁", "a", "▁", "b"]),
        ("a\x01b", ["▁", "a", "b"]),
        ("ﬁ 12/é", ["▁", "fi", "▁", "12", "/", "é"]),
        ("B. Z", ["▁B", ".", "▁", "<unk>"]),
    ],
)
def test_text_is_cut_as_the_model_learnt_it(folder: Path, text: str, pieces: list[str]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"]) == pieces
    framed = tokenizer(text, return_offsets_mapping=True)
    assert (framed["input_ids"][0], framed["input_ids"][-1]) == (0, 2)
    assert all(0 <= start <= end <= len(text) for start, end in framed["offset_mapping"])


@pytest.mark.parametrize("keep", [0, 4, 20, 60, 200, 900, 3000])
def test_a_pack_that_is_cut_off_is_refused(made: MadePack, tmp_path: Path, keep: int) -> None:
    (tmp_path / "in.pack").write_bytes(made.data[:keep])
    with pytest.raises(ModelError):
        convert_e5(tmp_path / "in.pack", tmp_path)


def test_damage_anywhere_ends_in_a_refusal_or_a_model_never_in_a_crash(made: MadePack, tmp_path: Path) -> None:
    directory = made.data.index(b"emb.word") + 400
    rng, refused = np.random.default_rng(5), 0
    for turn in range(300):
        data = bytearray(made.data)
        data[rng.integers(directory)] ^= int(rng.integers(1, 256))
        (tmp_path / f"{turn}.pack").write_bytes(data)
        try:
            tensors_of(read_pack(tmp_path / f"{turn}.pack"))
        except ModelError:
            refused += 1
    assert refused > 20


def test_weights_that_are_no_numbers_are_refused(made: MadePack, tmp_path: Path) -> None:
    broken = bytearray(made.data)
    broken[-4:] = struct.pack("<f", float("nan"))
    (tmp_path / "in.pack").write_bytes(broken)
    with pytest.raises(ModelError, match="not finite"):
        convert_e5(tmp_path / "in.pack", tmp_path)


def test_the_config_says_what_it_is(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert (config["model_type"], config["vocab_size"], config["pad_token_id"]) == ("bert", len(PIECES) + 3, 1)
