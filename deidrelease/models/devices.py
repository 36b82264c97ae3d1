"""Where a model runs, and in which precision."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ConfigError, Problem
from deidrelease.settings import ComputeSettings

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Place:
    """A device and the precision that its matrix products run in.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        bf16: Whether forward passes run under bfloat16 autocast; weights stay float32.
        checkpoint_seconds: Least time between the checkpoints of long work.
    """

    device: str
    bf16: bool
    checkpoint_seconds: float

    def autocast(self) -> "torch.autocast":
        """A context in which forward passes use the place's precision."""
        import torch

        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.bf16)


def available(device: str) -> bool:
    """Whether `device` (`cpu`, `cuda` or `mps`) is there."""
    import torch

    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or (device == "mps" and torch.backends.mps.is_available())


def has_bfloat16(device: str) -> bool:
    """Whether `device` is known to multiply bfloat16 in hardware; elsewhere it is emulated, and slower than float32."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # An older torch does not tell what its CPU can do.
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return device == "cpu" and any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def recompute_activations(model: Any, reentrant: bool = False) -> None:
    """Trades time for memory: activations are computed again in the backward pass instead of kept.

    Args:
        model: Of transformers.
        reentrant: In torch's older way, the only one in which Opacus's hooks see what is computed again.
    """
    # transformers renamed the method in 5.x and will drop the old name in 6.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    if reentrant:
        enable({"use_reentrant": True})
    else:
        enable()


def chosen_device(device: str) -> str:
    """`device`, and for `auto` the best that is there."""
    return next(name for name in ("cuda", "mps", "cpu") if available(name)) if device == "auto" else device


def place_problems(compute: ComputeSettings) -> list[Problem]:
    """What of the section is not to be had on this machine."""
    device = chosen_device(compute.device)
    if not available(device):
        return [Problem("compute.device", f"{device} is not available here", "use auto, or another machine")]
    if compute.precision == "bfloat16" and not has_bfloat16(device):
        return [Problem("compute.precision", f"this {device} has no bfloat16", "use auto")]
    return []


def find_place(compute: ComputeSettings) -> Place:
    """Chooses a device, sets threads and makes kernels deterministic.

    Raises:
        ConfigError: The device that was asked for is not there, or lacks the precision.
    """
    # Read by cuBLAS at its start; without it deterministic mode refuses matrix products.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    if problems := place_problems(compute):
        raise ConfigError("This machine cannot do what the config asks for.", problems)
    if compute.threads:
        torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # By default that also fills all new memory, which finds kernels that read what nobody wrote: a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    device = chosen_device(compute.device)
    asked = compute.precision == "bfloat16" or (compute.precision == "auto" and device == "cuda")
    return Place(device, asked and has_bfloat16(device), compute.checkpoint_seconds)
