"""Rounds an encoder's linear layers to 8 bits, for tagging on a CPU."""

import warnings
from dataclasses import replace

from deidrelease.errors import ModelError, Problem
from deidrelease.models.devices import Place
from deidrelease.models.tagging.encoder import Encoder


def rounded_to_int8(encoder: Encoder, place: Place) -> Encoder:
    """An encoder whose linear layers multiply 8-bit integers: weights by channel, activations as they come.

    Scores change a little, and with them now and then a tag: compare recall on annotated notes before relying on it
    (benchmarks/tagging.py --int8).

    Raises:
        ModelError: `place` is no CPU.
    """
    import torch

    if place.device != "cpu":
        problem = Problem("annotate.precision", f"int8 runs on a CPU, not on {place.device}", "use full")
        raise ModelError("This precision is not available.", [problem])
    with warnings.catch_warnings():
        # torch announces that this will move to torchao, which has no equal for a CPU yet.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        rounded = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            encoder.model.eval(), {torch.nn.Linear}, dtype=torch.qint8
        )
    return replace(encoder, model=rounded)
