"""The copy with a smaller vocabulary: it computes what the whole model computes, and is made once."""

import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from made.tokenizers import byte_fallback, unigram

from deidrelease.errors import ModelError
from deidrelease.models.causal.language_model import load_language_model, make_language_model, save_language_model
from deidrelease.models.devices import Place
from deidrelease.models.loading import resolve
from deidrelease.models.tagging.encoder import load_encoder, make_encoder
from deidrelease.settings import AdaptSettings, LoraSettings, PublicVocabulary, TaggerSettings

pytest.importorskip("wordfreq", reason="needs deidrelease[starters]")
TEXT = "El paciente ingresó en el hospital con fiebre."
CUT = PublicVocabulary(languages=["es", "en"], words=300)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEIDRELEASE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def causal(tmp_path: Path) -> Path:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    tokenizer = byte_fallback(700)
    torch.manual_seed(1)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, head_dim=8,
        num_attention_heads=4, num_key_value_heads=1, max_position_embeddings=64, sliding_window=8,
        pad_token_id=0, eos_token_id=1, bos_token_id=2,
    )  # fmt: skip
    Gemma3ForCausalLM(config).save_pretrained(tmp_path / "causal")
    tokenizer.save_pretrained(tmp_path / "causal")
    return tmp_path / "causal"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    from transformers import BertConfig, BertModel

    tokenizer = unigram()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer) + 5, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def load(folder: Path | str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def test_it_scores_the_pieces_that_are_left_as_the_whole_model_does(causal: Path) -> None:
    (whole, whole_tokenizer), (smaller, tokenizer) = load(causal), load(resolve(str(causal), None, CUT))
    assert 263 < smaller.config.vocab_size < whole.config.vocab_size
    pieces = tokenizer.tokenize(TEXT)
    old = torch.tensor([whole_tokenizer.convert_tokens_to_ids(["<bos>", *pieces])])
    new = torch.tensor([tokenizer.convert_tokens_to_ids(["<bos>", *pieces])])
    names = tokenizer.convert_ids_to_tokens(list(range(smaller.config.vocab_size)))
    columns = whole_tokenizer.convert_tokens_to_ids(names)
    with torch.no_grad():
        assert torch.allclose(smaller(new).logits, whole(old).logits[..., columns], atol=1e-5)
    assert (smaller.config.eos_token_id, tokenizer.eos_token_id) == (1, 1)


def test_it_is_made_once_and_checked_at_every_use(causal: Path, cache: Path) -> None:
    first = Path(resolve(str(causal), None, CUT))
    before = (first / "model.safetensors").stat().st_mtime_ns
    assert resolve(str(causal), None, CUT) == str(first)
    assert (first / "model.safetensors").stat().st_mtime_ns == before
    assert [path.name for path in (cache / "derived").iterdir()] == [first.name]
    (first / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"config\.json has changed.*delete"):
        resolve(str(causal), None, CUT)


def test_another_cut_or_other_weights_make_another_copy(causal: Path) -> None:
    first = resolve(str(causal), None, CUT)
    assert resolve(str(causal), None, CUT.model_copy(update={"words": 100})) != first
    with (causal / "model.safetensors").open("r+b") as stream:
        stream.seek(-4, 2)
        stream.write(struct.pack("<f", 0.25))
    assert resolve(str(causal), None, CUT) != first


def test_a_hub_id_is_refused() -> None:
    with pytest.raises(ModelError, match="hub id"):
        resolve("someone/model", None, CUT)


def test_an_adapter_finds_its_cut_base_again(causal: Path, tmp_path: Path, cpu: Place, cache: Path) -> None:
    settings = AdaptSettings(model=str(causal), vocabulary=CUT, lora=LoraSettings(rank=2), quantization="none")
    made = make_language_model(settings, [], cpu, 1, download=False)
    with torch.no_grad():
        for name, parameter in made.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05)
    save_language_model(made, settings, cpu, tmp_path / "adapter")
    shutil.rmtree(cache)  # it is derived anew, on another machine as it were
    loaded = load_language_model(tmp_path / "adapter", cpu, download=False)
    ids = torch.tensor([[loaded.opening, *loaded.token_ids(TEXT), loaded.closing]])
    with torch.no_grad():
        assert torch.allclose(made.model.eval()(ids).logits, loaded.model.eval()(ids).logits, atol=1e-4)


def test_an_adapter_refuses_a_base_whose_weights_changed(causal: Path, tmp_path: Path, cpu: Place) -> None:
    settings = AdaptSettings(model=str(causal), vocabulary=CUT, quantization="none")
    save_language_model(make_language_model(settings, [], cpu, 1, download=False), settings, cpu, tmp_path / "adapter")
    with (causal / "model.safetensors").open("r+b") as stream:
        stream.seek(-4, 2)
        stream.write(struct.pack("<f", 0.25))
    with pytest.raises(ModelError, match="other weights"):
        load_language_model(tmp_path / "adapter", cpu, download=False)


def test_an_encoder_with_both_cuts_computes_what_the_first_layers_compute(encoder: Path, tmp_path: Path) -> None:
    plain = make_encoder(TaggerSettings(model=str(encoder), layers=2), ["A"], [], 3, download=False)
    both = make_encoder(TaggerSettings(model=str(encoder), layers=2, vocabulary=CUT), ["A"], [], 3, download=False)
    assert both.model.config.vocab_size < plain.model.config.vocab_size
    assert both.model.config.num_hidden_layers == 2
    pieces = ["<s>", *both.tokenizer.tokenize(TEXT), "</s>"]
    with torch.no_grad():
        states = [
            made.model.eval().base_model(torch.tensor([made.tokenizer.convert_tokens_to_ids(pieces)]))[0]
            for made in (plain, both)
        ]
    assert torch.allclose(*states, atol=1e-5)
    both.save(tmp_path / "saved")
    assert load_encoder(tmp_path / "saved").model.config.num_hidden_layers == 2


def test_more_layers_than_there_are_is_refused(encoder: Path) -> None:
    with pytest.raises(ModelError, match="which has 3"):
        make_encoder(TaggerSettings(model=str(encoder), layers=4), ["A"], [], 3, download=False)


def test_an_encoder_with_a_hole_is_refused(encoder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(encoder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, encoder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"layer\.1\.output"):
        make_encoder(TaggerSettings(model=str(encoder)), ["A"], [], 3, download=False)
