import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from made.bundles import signer, trusted
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer import (
    SIGNER_FOR_URI_SCHEME,
    CryptoSigner,
    Key,
    SecretsHandler,
    Signature,
    Signer,
    SSlibKey,
)

from deidrelease.errors import BundleError
from deidrelease.signing.envelopes import IN_TOTO, Envelope, EnvelopeError, sign
from deidrelease.signing.key_files import make_key_pair, open_signer, public_key_of, read_public_key
from deidrelease.signing.public_keys import KeyRefusedError, parse_public_key, public_key
from deidrelease.signing.strict_json import canonical


def test_a_new_key_is_its_owners_alone_and_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        pair = make_key_pair(tmp_path / "k", "me", b"open sesame")
    finally:
        os.umask(before)
    assert (pair.private.stat().st_mode & 0o777, (tmp_path / "k").stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"ENCRYPTED PRIVATE KEY" in pair.private.read_bytes()
    opened = open_signer(str(pair.private), lambda: b"open sesame")
    assert public_key_of(opened) == pair.key == read_public_key(pair.public)
    with pytest.raises(BundleError, match="passphrase is wrong"):
        open_signer(str(pair.private), lambda: b"other")
    with pytest.raises(BundleError, match="nobody can be asked"):
        open_signer(str(pair.private), None)


def test_a_key_without_a_passphrase_asks_for_none(tmp_path: Path) -> None:
    pair = make_key_pair(tmp_path, "me", None)
    assert public_key_of(open_signer(str(pair.private), None)) == pair.key


def test_no_key_is_ever_overwritten(tmp_path: Path) -> None:
    pair = make_key_pair(tmp_path, "me", None)
    before = pair.private.read_bytes()
    with pytest.raises(BundleError, match="there already"):
        make_key_pair(tmp_path, "me", None)
    pair.private.unlink()
    with pytest.raises(BundleError, match="there already"):
        make_key_pair(tmp_path, "me", None)
    assert not pair.private.exists()
    assert before


def test_an_empty_passphrase_is_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="empty"):
        make_key_pair(tmp_path / "k", "me", b"")
    assert not (tmp_path / "k").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    pair = make_key_pair(tmp_path, "me", None)
    pair.private.chmod(mode)
    with pytest.raises(BundleError, match="chmod 600"):
        open_signer(str(pair.private), None)


def _private(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _public(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


REFUSED = [
    (lambda: rsa.generate_private_key(65537, 2048), "RSA"),
    (lambda: ec.generate_private_key(ec.SECP384R1()), "secp384r1"),
    (lambda: ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
    (ed448.Ed448PrivateKey.generate, "Ed448"),
]


@pytest.mark.parametrize(("make", "name"), REFUSED, ids=[name for _, name in REFUSED])
def test_other_kinds_of_keys_are_refused_by_name(tmp_path: Path, make: Any, name: str) -> None:
    key = make()
    with pytest.raises(KeyRefusedError, match=f"(?i){name}.*Ed25519 and ECDSA P-256"):
        parse_public_key(_public(key))
    (tmp_path / "private.pem").write_bytes(_private(key))
    (tmp_path / "private.pem").chmod(0o600)
    with pytest.raises(BundleError, match=f"(?i){name}"):
        open_signer(str(tmp_path / "private.pem"), None)


def test_what_is_no_public_key_is_refused(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    for pem, why in (
        (_private(key), "private"),
        (b"", "not one"),
        (_public(key) * 2, "not one"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (_public(key) + b"x" * 5000, "not one"),
    ):
        with pytest.raises(KeyRefusedError, match=why):
            parse_public_key(pem)
    (tmp_path / "p.pem").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"p\.pem"):
        read_public_key(tmp_path / "p.pem")
    with pytest.raises(BundleError, match="cannot be read"):
        read_public_key(tmp_path / "missing.pem")


@pytest.mark.parametrize("name", ["release", "ecdsa"])
def test_pem_and_material_say_the_same_key(name: str, tmp_path: Path) -> None:
    key = public_key_of(signer(name))
    assert parse_public_key(key.pem.encode()) == key
    (tmp_path / "p.pem").write_text(key.pem)
    command = ["openssl", "pkey", "-pubin", "-in", str(tmp_path / "p.pem"), "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert der == key.material


def test_two_ways_of_writing_one_key_are_one_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert public_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)) == public_key(key)


@pytest.mark.parametrize("point", ["uncompressed", "compressed", "hybrid"])
@pytest.mark.parametrize("curve", ["named_curve", "explicit"])
def test_however_openssl_writes_a_key_it_is_one_key_or_none(point: str, curve: str, tmp_path: Path) -> None:
    key = public_key_of(signer("ecdsa"))
    (tmp_path / "p.pem").write_text(key.pem)
    form = ["-conv_form", point, "-param_enc", curve]
    written = subprocess.run(
        ["openssl", "ec", "-pubin", "-in", str(tmp_path / "p.pem"), *form], capture_output=True, check=True
    ).stdout
    assert b"BEGIN PUBLIC KEY" in written
    try:
        assert parse_public_key(written) == key
    except KeyRefusedError:
        assert curve == "explicit"


def _of_small_order() -> list[bytes]:
    prime = 2**255 - 19
    low = (0, 1, prime - 1, *_EIGHTH)
    heights = [*low, *(prime + more for more in range(19))]
    return [(height | sign << 255).to_bytes(32, "little") for height in heights for sign in (0, 1)]


_EIGHTH = (
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)


def test_a_key_for_which_anybody_can_sign_is_refused() -> None:
    identity = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    identity.verify((1).to_bytes(32, "little") + bytes(32), b"whatever")  # OpenSSL takes it: nobody signed this
    for raw in _of_small_order():
        with pytest.raises(KeyRefusedError, match="anybody can sign"):
            public_key(ed25519.Ed25519PublicKey.from_public_bytes(raw))


@pytest.mark.parametrize("name", ["release", "ecdsa"])
def test_an_envelope_says_who_signed_it(name: str) -> None:
    envelope = Envelope.parse(sign(b"payload \xff", IN_TOTO, signer(name)))
    assert (envelope.payload, envelope.payload_type) == (b"payload \xff", IN_TOTO)
    mine, other = trusted(name, "release"), trusted("other", "release")
    assert envelope.signed_by([other, mine, mine]) == (mine,)
    assert envelope.signed_by([other]) == ()
    assert (envelope.strangers([mine]), envelope.strangers([other])) == (0, 1)


@pytest.mark.parametrize("name", ["release", "ecdsa"])
def test_securesystemslib_reads_what_we_sign_and_we_read_what_it_signs(name: str) -> None:
    half = public_key_of(signer(name))
    key = SSlibKey.from_crypto(load_der_public_key(half.material), half.fingerprint)
    theirs = TheirEnvelope.from_dict(json.loads(sign(b"payload", IN_TOTO, signer(name))))
    assert theirs.verify([key], 1)
    made = TheirEnvelope(b"payload", IN_TOTO, {})
    made.sign(signer(name))
    assert Envelope.parse(canonical(made.to_dict())).signed_by([trusted(name, "release")])


def test_a_signature_counts_for_its_own_type_only() -> None:
    line = sign(b"payload", "application/vnd.deidrelease.waiver+json", signer("release"))
    record = json.loads(line) | {"payloadType": IN_TOTO}
    assert Envelope.parse(canonical(record)).signed_by([trusted("release", "release")]) == ()


class _Held(Signer):
    """A key that is held elsewhere, as securesystemslib lets anybody add one; `wrong:` has another than it says."""

    def __init__(self, signs: CryptoSigner, says: Key) -> None:
        self.signs, self.says = signs, says

    @classmethod
    def from_priv_key_uri(cls, uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None) -> "_Held":
        if uri == "held:broken":
            raise RuntimeError("no such slot")
        assert secrets_handler is None or secrets_handler("PIN") == "1234"
        return cls(signer("stranger" if uri == "held:wrong" else "release"), public_key)  # type: ignore[arg-type]

    @property
    def public_key(self) -> Key:
        return self.says

    def sign(self, payload: bytes) -> Signature:
        return self.signs.sign(payload)


def test_a_key_that_is_held_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "held", _Held)
    public = tmp_path / "public.pem"
    public.write_text(public_key_of(signer("release")).pem)
    line = sign(b"payload", IN_TOTO, open_signer("held:1", lambda: b"1234", public))
    assert Envelope.parse(line).signed_by([trusted("release", "release")])
    with pytest.raises(EnvelopeError, match="no signature that its public key verifies"):
        sign(b"payload", IN_TOTO, open_signer("held:wrong", None, public))
    with pytest.raises(BundleError, match="cannot be reached"):
        open_signer("held:broken", None, public)
    with pytest.raises(BundleError, match="PEM of its public key"):
        open_signer("held:1", None)


def test_a_public_half_that_belongs_to_another_key(tmp_path: Path) -> None:
    pair, other = make_key_pair(tmp_path / "a", "a", None), make_key_pair(tmp_path / "b", "b", None)
    assert open_signer(str(pair.private), None, pair.public)
    with pytest.raises(BundleError, match="not the public half"):
        open_signer(str(pair.private), None, other.public)
