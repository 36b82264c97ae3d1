"""The site's key: private ids and values leave no digest that a dictionary could invert.

An unkeyed hash of a record number is a record number: ten million guesses find it. Everything that stands for a
private id or value outside the private corpus is therefore an HMAC under a key that stays at the site.
"""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.errors import ArtifactError, Problem

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A secret of 32 bytes; its digests mean nothing without it.

    Attributes:
        secret: Never printed: it has no place in any `repr`.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a site key has {KEY_BYTES} bytes, not {len(self.secret)}")

    def digest(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 of `text`, in hex; digests for different purposes cannot be told to be of the same text."""
        return self._digest(purpose, text).hex()

    def number(self, purpose: str, text: str) -> int:
        """The first 64 bits of `digest` as a number, for tables of many."""
        return int.from_bytes(self._digest(purpose, text)[:8], "big")

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self.secret, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), "sha256")


def new_key() -> SiteKey:
    """A key from the operating system's randomness."""
    return SiteKey(secrets.token_bytes(KEY_BYTES))


def load_or_make_key(path: Path) -> SiteKey:
    """The key in the file `path`, which is made, readable by its owner alone, where it is missing.

    Raises:
        ArtifactError: The file is there and holds no key.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(new_key().secret)
    except FileExistsError:
        pass
    try:
        return SiteKey(path.read_bytes())
    except (OSError, ValueError):
        problem = Problem(str(path), "is no site key that can be read", "restore it, or delete it to begin a new one")
        raise ArtifactError("The site key cannot be used.", [problem]) from None
