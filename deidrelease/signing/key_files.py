"""Private keys: made, opened, and held by others.

A key in a file is PEM, PKCS#8, readable by its owner alone. A key in an HSM or a cloud's KMS is reached by the URIs of
securesystemslib; its public half comes from a PEM file beside, since what the device says of itself proves nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deidrelease.errors import BundleError, Problem
from deidrelease.signing.public_keys import KeyRefusedError, PublicKey, parse_public_key, public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import Signer, SSlibKey

PRIVATE = "private.pem"
PUBLIC = "public.pem"
PASSPHRASE_VARIABLE = "DEIDRELEASE_KEY_PASSPHRASE"  # noqa: S105  # its name, no secret
_OTHERS = 0o077
_CANNOT = "The key cannot be used."


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a new key pair lies, and its public half."""

    private: Path
    public: Path
    key: PublicKey


def make_key_pair(folder: Path, name: str, passphrase: bytes | None) -> KeyPair:
    """Makes an Ed25519 key pair in `folder`, which is made, for its owner alone, where it is missing.

    Args:
        folder: Gets `private.pem` (0600) and `public.pem`.
        name: Whose key it is; stands in messages only.
        passphrase: Encrypts the private key; None leaves it readable to whoever reads the file.

    Raises:
        BundleError: A file of that name is there already, or cannot be written; or the passphrase is empty.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if passphrase is not None and not passphrase:
        raise BundleError(
            "No key was made.", [Problem(f"key of {name}", "the passphrase is empty", "give one, or say so")]
        )
    private, public = folder / PRIVATE, folder / PUBLIC
    for path in (private, public):
        if os.path.lexists(path):
            remedy = "name another folder: a key that is gone cannot be made again"
            raise BundleError("No key was made.", [Problem(str(path), "is there already", remedy)])
    key = Ed25519PrivateKey.generate()
    pair = KeyPair(private, public, public_key(key.public_key()))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(private, _pem(key, passphrase), 0o600)
        _write(public, pair.key.pem.encode("ascii"), 0o644)
    except OSError as error:
        problem = Problem(str(folder), f"cannot be written ({error.strerror})", "name a folder that you may write to")
        raise BundleError("No key was made.", [problem]) from None
    return pair


def open_signer(where: str, passphrase: Callable[[], bytes] | None, public: Path | None = None) -> "Signer":
    """What signs with the key at `where`.

    Args:
        where: Path of a PEM file, or a URI of securesystemslib such as `hsm:…`, `awskms:…`, `gcpkms:…`, `azurekms:…`.
        passphrase: Asked where the file is encrypted, and for an HSM's PIN; None where nobody can be.
        public: PEM of the public half; needed with a URI, and otherwise held against the private half.

    Raises:
        BundleError: There is no such key; others may read the file; the passphrase is wrong; or the key is neither
            Ed25519 nor ECDSA P-256.
    """
    if _is_uri(where):
        return _remote(where, passphrase, public)
    path = Path(where.removeprefix("file2:"))
    key = _loaded(path, passphrase)
    try:
        half = public_key(key.public_key())
    except (KeyRefusedError, AttributeError) as error:
        raise BundleError(_CANNOT, [Problem(str(path), str(error), "make one by `deidrelease key new`")]) from None
    if public is not None and read_public_key(public) != half:
        raise BundleError(_CANNOT, [Problem(str(public), "is not the public half of this key", "name the right one")])
    return _crypto_signer(key, half)


def read_public_key(path: Path) -> PublicKey:
    """The public key in the PEM file at `path`.

    Raises:
        BundleError: It is missing, or none that is accepted.
    """
    try:
        return parse_public_key(path.read_bytes())
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    except KeyRefusedError as error:
        what = str(error)
    raise BundleError(_CANNOT, [Problem(str(path), what, "name the public.pem that `deidrelease key new` wrote")])


def public_key_of(signer: "Signer") -> PublicKey:
    """The public half of what `signer` signs with.

    Raises:
        KeyRefusedError: It is neither Ed25519 nor ECDSA P-256.
    """
    from securesystemslib.signer import SSlibKey

    held = signer.public_key
    if not isinstance(held, SSlibKey):
        raise KeyRefusedError("is no key of a kind that is accepted")
    return public_key(held._crypto_key())  # noqa: SLF001  # it has no public way to the key itself


def _is_uri(where: str) -> bool:
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME

    scheme = where.partition(":")[0]
    return scheme in SIGNER_FOR_URI_SCHEME and scheme not in ("file2", where)


def _remote(uri: str, passphrase: Callable[[], bytes] | None, public: Path | None) -> "Signer":
    from securesystemslib.signer import Signer

    scheme = uri.partition(":")[0]
    if public is None:
        remedy = "name the PEM of its public key as well"
        raise BundleError(_CANNOT, [Problem(f"{scheme}:…", "is a key that is held elsewhere", remedy)])
    held = _sslib_key(read_public_key(public))
    secret = (lambda _: passphrase().decode()) if passphrase else None
    try:
        return Signer.from_priv_key_uri(uri, held, secret)
    except Exception as error:  # noqa: BLE001  # their documentation: signers may raise anything
        problem = Problem(f"{scheme}:…", f"cannot be reached ({type(error).__name__})", "see securesystemslib's manual")
        raise BundleError(_CANNOT, [problem]) from None


def _sslib_key(key: PublicKey) -> "SSlibKey":
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(load_der_public_key(key.material), keyid=key.fingerprint)


def _crypto_signer(key: "PrivateKeyTypes", half: PublicKey) -> "Signer":
    from securesystemslib.signer import CryptoSigner

    return CryptoSigner(key, _sslib_key(half))


def _loaded(path: Path, passphrase: Callable[[], bytes] | None) -> "PrivateKeyTypes":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = _private_bytes(path)
    try:
        return load_pem_private_key(pem, _asked(pem, path, passphrase))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        what = "cannot be opened: the passphrase is wrong, or this is no private key in PEM"
    raise BundleError(_CANNOT, [Problem(str(path), what, "name the private.pem that `deidrelease key new` wrote")])


def _asked(pem: bytes, path: Path, passphrase: Callable[[], bytes] | None) -> bytes | None:
    if b"ENCRYPTED" not in pem:
        return None
    if passphrase is None:
        remedy = f"put the passphrase into {PASSPHRASE_VARIABLE}"
        raise BundleError(_CANNOT, [Problem(str(path), "is encrypted, and nobody can be asked", remedy)])
    return passphrase()


def _private_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            pem = stream.read(64 * 1024)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise BundleError(_CANNOT, [Problem(str(path), what, "name the private.pem of a key")]) from None
    if mode & _OTHERS:
        what = "may be read by others than its owner"
        raise BundleError(_CANNOT, [Problem(str(path), what, f"chmod 600 {path}, and ask who has read it")])
    return pem


def _pem(key: "PrivateKeyTypes", passphrase: bytes | None) -> bytes:
    from cryptography.hazmat.primitives import serialization

    locking = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locking)


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
