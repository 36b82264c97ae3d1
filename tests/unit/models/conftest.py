"""What all model tests share: one thread, the CPU, a few notes of the fictitious hospital."""

from collections.abc import Iterator

import pytest
import torch

from deidrelease.demo import hospital
from deidrelease.models.devices import Place
from deidrelease.notes import Note


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cpu() -> Place:
    return Place("cpu", bf16=False, checkpoint_seconds=3600.0)


@pytest.fixture(scope="session")
def notes() -> list[Note]:
    return list(hospital.notes(4, seed=5))
