"""Where models run, and in which precision."""

import pytest
import torch

from deidrelease.errors import ConfigError
from deidrelease.models import devices
from deidrelease.models.devices import find_place, has_bfloat16
from deidrelease.settings import ComputeSettings


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_cpu_computes_in_full_unless_told(precision: str) -> None:
    assert not find_place(ComputeSettings(device="cpu", precision=precision)).bf16  # type: ignore[arg-type]


@pytest.mark.skipif(not has_bfloat16("cpu"), reason="this CPU has no bfloat16")
def test_a_cpu_that_can_is_told_to_use_bfloat16() -> None:
    place = find_place(ComputeSettings(device="cpu", precision="bfloat16"))
    assert place.bf16
    with place.autocast():
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.bfloat16


def test_what_is_not_there_is_no_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_bfloat16", lambda _: False)
    with pytest.raises(ConfigError, match="precision") as caught:
        find_place(ComputeSettings(device="cpu", precision="bfloat16"))
    assert [problem.where for problem in caught.value.problems] == ["compute.precision"]


def test_new_memory_is_not_filled() -> None:
    find_place(ComputeSettings(device="cpu"))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
