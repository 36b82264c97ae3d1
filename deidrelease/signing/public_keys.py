"""A public key: two kinds are accepted, and two keys are one if their material is.

Signatures are checked with `cryptography` itself. securesystemslib, which makes them, takes half a second to import and
believes the key id that an envelope gives; here no key is chosen by that id.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Algorithm = Literal["ed25519", "ecdsa-p256"]
_MOST_PEM = 4096
_PRIME = 2**255 - 19
_SMALL = frozenset(
    {
        0,
        1,
        0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        _PRIME - 1,
    }
)
"""Heights of the eight points of small order: who takes one for a key takes signatures by anybody."""


class KeyRefusedError(ValueError):
    """No public key of a kind that is accepted; the message says why."""


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 or ECDSA P-256 public key.

    Attributes:
        algorithm: Which of the two; a signature is checked by this one, whatever it says of itself.
        material: DER of its SubjectPublicKeyInfo; equal keys have equal material.
    """

    algorithm: Algorithm
    material: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the material, in hex: `openssl pkey -pubin -outform DER | sha256sum` gives the same."""
        return hashlib.sha256(self.material).hexdigest()

    @property
    def pem(self) -> str:
        """As PEM, which `parse_public_key` reads back."""
        from base64 import b64encode

        body = b64encode(self.material).decode("ascii")
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` over `data` was made with the private half of this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            if self.algorithm == "ed25519":
                cast(Ed25519PublicKey, self._loaded).verify(signature, data)
            else:
                cast(EllipticCurvePublicKey, self._loaded).verify(signature, data, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _loaded(self) -> "PublicKeyTypes":
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        return load_der_public_key(self.material)


def parse_public_key(pem: bytes) -> PublicKey:
    """Reads a PEM file of one public key.

    Raises:
        KeyRefusedError: It is none, or of another kind than Ed25519 and ECDSA P-256.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in pem:
        raise KeyRefusedError("is a private key: give the public one, and see to it that nobody else has seen this")
    if len(pem) > _MOST_PEM or pem.count(b"-----BEGIN") != 1:
        raise KeyRefusedError("is not one public key in PEM")
    try:
        return public_key(load_pem_public_key(pem))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, KeyRefusedError):
            raise
        raise KeyRefusedError("is no public key in PEM (SubjectPublicKeyInfo)") from None


def public_key(loaded: "PublicKeyTypes") -> PublicKey:
    """A key of `cryptography` as a value.

    Raises:
        KeyRefusedError: It is of another kind than Ed25519 and ECDSA P-256, or one for which anybody can sign.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return PublicKey(_algorithm(loaded), loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _algorithm(loaded: "PublicKeyTypes") -> Algorithm:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if isinstance(loaded, Ed25519PublicKey):
        # OpenSSL takes these points as keys, and every 32 bytes, so that one key could be written in two ways.
        height = int.from_bytes(loaded.public_bytes_raw(), "little") % 2**255
        if height in _SMALL or height >= _PRIME:
            raise KeyRefusedError("is an Ed25519 key for which anybody can sign")
        return "ed25519"
    if isinstance(loaded, EllipticCurvePublicKey):
        if isinstance(loaded.curve, SECP256R1):
            return "ecdsa-p256"
        raise KeyRefusedError(f"is an ECDSA key on {loaded.curve.name}; accepted are Ed25519 and ECDSA P-256")
    kind = type(loaded).__name__.removesuffix("PublicKey").lstrip("_")
    raise KeyRefusedError(f"is a key for {kind}; accepted are Ed25519 and ECDSA P-256")
