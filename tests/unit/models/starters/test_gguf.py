"""GGUF files of tiny models come back as the very models that were written, with their tokenizers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("gguf", reason="needs deidrelease[starters]")

from made import ggufs

from deidrelease.errors import ModelError
from deidrelease.models.starters.gguf import convert_gguf
from deidrelease.models.starters.gguf_tokenizer import merges_from_scores

TEXTS = ["El paciente 12/03", "  two  spaces\n\n\tand ☃ 𐍈 é", "Nombre: José\r\n", "漢字 x\u200b"]
MAKERS = {"llama": ggufs.llama, "gemma": ggufs.gemma}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    make: Callable[[Path], tuple[Any, Any]] = MAKERS[request.param]
    model, tokenizer = make(folder / "in.gguf")
    (folder / "out").mkdir()
    convert_gguf(folder / "in.gguf", folder / "out")
    return model, tokenizer, folder / "out"


def test_the_model_computes_what_the_written_one_does(pair: tuple[Any, Any, Path]) -> None:
    from transformers import AutoModelForCausalLM

    written, _, folder = pair
    read, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    ids = torch.randint(4, 300, (2, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(read.eval()(ids).logits, written(ids).logits, atol=1e-4)


def test_the_reader_of_transformers_finds_the_same_weights(pair: tuple[Any, Any, Path]) -> None:
    """An independent reader of the same file."""
    from transformers import AutoModelForCausalLM

    _, _, folder = pair
    peer = AutoModelForCausalLM.from_pretrained(folder.parent, gguf_file="in.gguf").state_dict()
    ours = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    assert peer.keys() == ours.keys()
    assert all(torch.allclose(peer[name].float(), ours[name], atol=1e-6) for name in ours)


def test_the_tokenizer_cuts_as_the_written_one_and_loses_nothing(pair: tuple[Any, Any, Path]) -> None:
    from transformers import AutoTokenizer

    _, written, folder = pair
    read = AutoTokenizer.from_pretrained(folder)
    assert (read.eos_token, read.bos_token) == (written.eos_token, written.bos_token)
    for text in TEXTS:
        ids = read(text, add_special_tokens=False)["input_ids"]
        assert read.decode(ids) == text
        if read.bos_token:  # the other one was trained without the digits apart that "smollm" means
            assert ids == written(text, add_special_tokens=False)["input_ids"]
            assert read(text)["input_ids"] == [2, *ids]


def test_digits_stand_alone_in_the_smollm_kind(tmp_path: Path) -> None:
    ggufs.llama(tmp_path / "in.gguf")
    (tmp_path / "out").mkdir()
    convert_gguf(tmp_path / "in.gguf", tmp_path / "out")
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(tmp_path / "out").tokenize("2019")[-4:] == ["2", "0", "1", "9"]


def test_merges_worked_by_hand() -> None:
    # "ab" has the better score, so it is merged first; "abc" can come of a+bc too, but "bc" is no piece.
    pieces = {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}
    assert merges_from_scores(pieces, [-9.0, -9.0, -9.0, -1.0, -2.0]) == [("a", "b"), ("ab", "c")]


@pytest.mark.parametrize("data", [b"", b"GGUF", b"no gguf at all" * 20])
def test_what_is_no_gguf_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.gguf").write_bytes(data)
    with pytest.raises(ModelError, match="fetch the model again"):
        convert_gguf(tmp_path / "in.gguf", tmp_path)


def test_a_file_that_is_cut_off_is_refused(pair: tuple[Any, Any, Path], tmp_path: Path) -> None:
    whole = (pair[2].parent / "in.gguf").read_bytes()
    for share in (0.3, 0.7, 0.99):
        (tmp_path / "in.gguf").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ModelError):
            convert_gguf(tmp_path / "in.gguf", tmp_path)


def test_an_architecture_that_is_not_known_is_refused(tmp_path: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "in.gguf", "mamba")
    ggufs._close(writer)
    with pytest.raises(ModelError, match="mamba"):
        convert_gguf(tmp_path / "in.gguf", tmp_path)
