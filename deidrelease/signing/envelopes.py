"""DSSE envelopes: bytes, what they are, and who signed them.

What is signed are the payload's bytes as they stand in the envelope, with their type (DSSE v1.0, pre-authentication
encoding). They are never parsed and written again on the way to a signature or away from it.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from deidrelease.signing.strict_json import canonical, parse_strict

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from deidrelease.signing.public_keys import PublicKey

IN_TOTO = "application/vnd.in-toto+json"
MOST_SIGNATURES = 16
MOST_BYTES = 48 * 1024 * 1024
_MOST_SIGNATURE_BYTES = 1024
_MOST_NAME = 512


class EnvelopeError(ValueError):
    """Not an envelope as DSSE has them; the message says why and quotes nothing."""


class _Keyed(Protocol):
    @property
    def key(self) -> "PublicKey": ...


K = TypeVar("K", bound=_Keyed)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the id that it gives its key, by which no key is ever chosen."""

    keyid: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Signed bytes.

    Attributes:
        payload: Exactly what was signed.
        payload_type: What they are; signed too.
        signatures: One to sixteen.
    """

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes, what: str = "the envelope") -> "Envelope":
        """Reads one envelope.

        Raises:
            EnvelopeError: A key is missing, unknown or of another type; it is not canonical JSON, or has base64 that no
                encoder writes.
            StrictJsonError: It is no strict JSON.
        """
        record = parse_strict(data, what, MOST_BYTES, most_depth=4)
        _exactly(record, {"payload", "payloadType", "signatures"}, what)
        if canonical(record) != data:
            raise EnvelopeError(f"{what} is not canonical JSON (RFC 8785)")
        signatures = record["signatures"]
        if not isinstance(signatures, list) or not 1 <= len(signatures) <= MOST_SIGNATURES:
            raise EnvelopeError(f"{what} has no list of 1 to {MOST_SIGNATURES} signatures")
        kind = _text(record["payloadType"], what)
        return cls(_bytes(record["payload"], what), kind, tuple(_signature(each, what) for each in signatures))

    @property
    def signed(self) -> bytes:
        """What the signatures are over: DSSE's pre-authentication encoding of type and payload."""
        return pre_authentication_encoding(self.payload_type, self.payload)

    def signed_by(self, keys: Sequence[K]) -> tuple[K, ...]:
        """Those of `keys` that made a signature here, in their order; one key under two names counts once."""
        found: dict[bytes, K] = {}
        for key in keys:
            if key.key.material not in found and any(key.key.verifies(s.value, self.signed) for s in self.signatures):
                found[key.key.material] = key
        return tuple(found.values())

    def strangers(self, keys: Sequence[K]) -> int:
        """How many signatures none of `keys` has made."""
        return sum(not any(key.key.verifies(s.value, self.signed) for key in keys) for s in self.signatures)

    def misnamed(self, keys: Sequence[K]) -> int:
        """How many signatures by `keys` give their key another id than its fingerprint.

        A key id is under no signature. Were it free, whoever passes the envelope on could write into it.
        """
        made = ((s, key.key) for s in self.signatures for key in keys if key.key.verifies(s.value, self.signed))
        return sum(s.keyid != key.fingerprint for s, key in made)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """`DSSEv1`, the lengths of type and payload, and both, parted by single spaces (DSSE v1.0, protocol)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, signer: "Signer") -> bytes:
    """The envelope of `payload`, signed by `signer`, as canonical JSON without a line end.

    Raises:
        EnvelopeError: What came back is no signature by the signer's public key, as with the wrong key in an HSM.
    """
    from securesystemslib.dsse import Envelope as Signing

    from deidrelease.signing.key_files import public_key_of

    signing = Signing(payload, payload_type, {})
    signing.sign(signer)
    key, record = public_key_of(signer), signing.to_dict()
    for signature in record["signatures"]:
        signature["keyid"] = key.fingerprint
    data = canonical(record)
    if not Envelope.parse(data).signed_by([_Alone(key)]):
        raise EnvelopeError("the signer made no signature that its public key verifies")
    return data


@dataclass(frozen=True, slots=True)
class _Alone:
    key: "PublicKey"


def _signature(record: Any, what: str) -> Signature:
    _exactly(record, {"keyid", "sig"}, f"a signature of {what}")
    value = _bytes(record["sig"], what)
    if not 1 <= len(value) <= _MOST_SIGNATURE_BYTES:
        raise EnvelopeError(f"a signature of {what} has {len(value)} bytes")
    return Signature(_text(record["keyid"], what), value)


def _exactly(record: Any, names: set[str], what: str) -> None:
    if not isinstance(record, dict) or set(record) != names:
        raise EnvelopeError(f"{what} has other keys than {', '.join(sorted(names))}")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_NAME:
        raise EnvelopeError(f"{what} has a name that is no short text")
    return value


def _bytes(value: Any, what: str) -> bytes:
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except (AttributeError, UnicodeError, binascii.Error):
        raise EnvelopeError(f"{what} holds what is no base64") from None
    # More than one text decodes to the same bytes; only the encoder's own is taken.
    if base64.b64encode(data).decode("ascii") != value:
        raise EnvelopeError(f"{what} holds base64 that no encoder writes")
    return data
