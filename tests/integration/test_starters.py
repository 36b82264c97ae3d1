"""The real starters, where `deidrelease models fetch` has brought them; nothing is downloaded here."""

from pathlib import Path
from typing import Any

import pytest
import torch

from deidrelease.models.loading import resolve
from deidrelease.models.starters.store import is_fetched
from deidrelease.models.starters.table import STARTERS
from deidrelease.settings import PublicVocabulary

pytestmark = pytest.mark.slow

SPANISH = "El paciente ingresó en el hospital con fiebre alta y tos."
SWEDISH = "Patienten lades in på sjukhuset med hög feber och hosta."
ENGLISH = "The patient was admitted to hospital with a high fever and a cough."
OTHER = "The stock market fell sharply on Monday."


def starter(name: str) -> str:
    if not is_fetched(STARTERS[name]):
        pytest.skip(f"not fetched: deidrelease models fetch {name}")
    return f"starter:{name}"


def encoder(source: str) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    return AutoModel.from_pretrained(source, add_pooling_layer=False).eval(), AutoTokenizer.from_pretrained(source)


def causal(source: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(source).eval(), AutoTokenizer.from_pretrained(source)


def cosines(source: str, prefix: str) -> list[float]:
    """Of the English sentence to the others, by mean pooling."""
    model, tokenizer = encoder(source)
    batch = tokenizer([prefix + text for text in (ENGLISH, SPANISH, SWEDISH, OTHER)], return_tensors="pt", padding=True)
    with torch.no_grad():
        states = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    mask = batch["attention_mask"][..., None]
    pooled = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
    return (pooled[0] @ pooled[1:].T).tolist()


def bits_a_character(model: Any, tokenizer: Any, text: str) -> float:
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    if tokenizer.bos_token_id is not None and ids[0, 0] != tokenizer.bos_token_id:
        ids = torch.cat([torch.tensor([[tokenizer.bos_token_id]]), ids], dim=1)
    with torch.no_grad():
        loss = model(input_ids=ids, labels=ids).loss
    return float(loss) * (ids.shape[1] - 1) / len(text) / 0.6931


def test_e5_brings_one_meaning_in_three_languages_together() -> None:
    spanish, swedish, other = cosines(resolve(starter("e5-small"), None), "query: ")
    assert min(spanish, swedish) > 0.88
    assert other < 0.82


@pytest.mark.slow
def test_e5_with_its_vocabulary_cut_says_the_same() -> None:
    pytest.importorskip("wordfreq", reason="needs deidrelease[starters]")
    cut = PublicVocabulary(languages=["es", "sv", "en"])
    whole, smaller = (cosines(resolve(starter("e5-small"), None, which), "query: ") for which in (None, cut))
    assert smaller == pytest.approx(whole, abs=0.03)


def test_minilm_loads_as_it_is() -> None:
    spanish, _, other = cosines(resolve(starter("minilm-l6"), None), "")
    assert other < 0.3
    assert spanish > other


def test_smollm2_knows_english_and_spells_everything() -> None:
    model, tokenizer = causal(resolve(starter("smollm2-135m"), None))
    assert bits_a_character(model, tokenizer, ENGLISH) < 2.0
    text = "José 12/03/2019\n\n☃ 𐍈"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.slow
def test_gemma_knows_spanish_and_its_cut_hardly_less() -> None:
    pytest.importorskip("wordfreq", reason="needs deidrelease[starters]")
    cut = PublicVocabulary(languages=["es", "en"])
    whole, smaller = (causal(resolve(starter("gemma3-270m"), None, which)) for which in (None, cut))
    assert sum(p.numel() for p in smaller[0].parameters()) < 0.65 * sum(p.numel() for p in whole[0].parameters())
    for text in (SPANISH, ENGLISH):
        before, after = (bits_a_character(*made, text) for made in (whole, smaller))
        assert before < 1.6
        assert after < before + 0.2
    text = "José 12/03/2019\n\n  ☃ 𐍈 漢字\t\r\n"
    for _, tokenizer in (whole, smaller):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_licence_goes_with_the_model() -> None:
    folder = Path(resolve(starter("e5-small"), None))
    assert "MIT" in (folder / "README.md").read_text(encoding="utf-8")
