"""Gaussian noise that nobody can draw again.

The run's seed stands in receipts, and receipts leave. So the noise has a key of its own, 256 bits from the operating
system, made for one attempt at training and kept nowhere. torch's own generator would not do: on a CPU it keeps only
32 bits of its seed, few enough to try them all.
"""

import hashlib
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

KEY_BYTES = 32
_UNIT = 2.0**-53


class NoiseStream:
    """Independent normal numbers from a ChaCha20 key stream (RFC 8439), which goes on and never repeats.

    Numbers are made in double precision from 53 random bits each, by the method of Box and Muller (1958). Rounded to
    single precision after they were added, they leave no gaps by which a sum could be told from its neighbours
    (Mironov 2012; Haney et al. 2022).

    Args:
        key: 32 bytes, for one attempt; drawn from the operating system where it is not given.
    """

    def __init__(self, key: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        key = os.urandom(KEY_BYTES) if key is None else key
        if len(key) != KEY_BYTES:
            raise ValueError(f"a noise key has {KEY_BYTES} bytes, not {len(key)}")
        # The last nonce: the key is never used for anything else, so one nonce is enough.
        self._stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
        self.fingerprint = hashlib.sha256(b"deidrelease noise key\n" + key).hexdigest()

    def normal(self, shape: Sequence[int], std: float) -> "torch.Tensor":
        """Normal numbers of mean 0 and standard deviation `std`, float64, on the CPU."""
        import torch

        count = math.prod(shape)
        pairs = (count + 1) // 2
        # In (0, 1]: the logarithm of 0 would be infinite noise.
        radius = self._uniform(pairs).add_(_UNIT).log_().mul_(-2).sqrt_()
        angle = self._uniform(pairs).mul_(2 * math.pi)
        both = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)])
        return both[:count].mul_(std).reshape(tuple(shape))

    def _uniform(self, count: int) -> "torch.Tensor":
        """Multiples of 2^-53 in [0, 1)."""
        import numpy as np
        import torch

        bits = np.frombuffer(self._stream.update(bytes(8 * count)), dtype="<u8")
        return torch.from_numpy((bits >> np.uint64(11)).astype(np.float64) * _UNIT)
