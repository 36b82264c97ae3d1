"""Waivers on disk: a claim to be read and signed, and the file of envelopes that a gate and a bundle take."""

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import PolicyError, Problem
from deidrelease.policy.rules import Policy
from deidrelease.policy.waivers import MOST_WAIVERS, PAYLOAD_TYPE, WaiverClaim, claim_bytes
from deidrelease.signing.strict_json import canonical, parse_strict
from deidrelease.yaml_lines import Document, Wanted, parse_document, read_bytes

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

_EXAMPLE = "begin with `deidrelease waiver new`"
_UNUSABLE = "the waiver cannot be used."
_WANTED = Wanted(PolicyError, "No waiver.", _UNUSABLE, _EXAMPLE, plain=True)
_HEAD = """\
# A waiver that nobody has signed yet. Read it, then: deidrelease waiver sign THIS --key KEY --into waivers.json
# Whoever signs approves it, and has to be somebody else than the requester.
"""


def write_claim(claim: WaiverClaim, path: Path) -> None:
    """Writes a claim as YAML; a file that is there already stays.

    Raises:
        PolicyError: It is there already, or cannot be written.
    """
    # A JSON value of ASCII is a YAML value; dates stand bare, as YAML has a type for them.
    told = claim.model_dump(exclude_none=True)
    lines = [f"{name}: {value if hasattr(value, 'isoformat') else json.dumps(value)}\n" for name, value in told.items()]
    try:
        with path.open("x", encoding="ascii") as stream:
            stream.write(_HEAD + "".join(lines))
    except OSError as error:
        problem = Problem(str(path), f"cannot be written ({error.strerror})", "name a new file")
        raise PolicyError("No waiver was written.", [problem]) from None


def read_claim(path: Path) -> WaiverClaim:
    """Reads a claim.

    Raises:
        PolicyError: Everything that is wrong with it, each with its line.
    """
    document = parse_document(read_bytes(path, _WANTED), path, _WANTED)
    try:
        return WaiverClaim.model_validate(document.values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        problems = [_problem(document, tuple(detail["loc"]), detail["msg"]) for detail in details]
    raise PolicyError(f"{path}: {_UNUSABLE}", problems)


def hopeless(claim: WaiverClaim, policy: Policy) -> list[str]:
    """Why `claim` can never count under `policy`, whoever signs it; empty where it can."""
    rule, most = policy.rules.get(claim.rule), policy.waivers.max_days
    reasons = (
        (claim.policy != policy.name, f"is for the policy {claim.policy}, and this is {policy.name}"),
        (rule is None, f"{policy.name} has no rule {claim.rule}: there are {', '.join(sorted(policy.rules))}"),
        (rule is not None and not rule.waivable, f"{claim.rule} is an absolute stop, which no waiver covers"),
        (most == 0, f"{policy.name} lets no waiver count"),
        (0 < most < claim.days, f"lives {claim.days} days, and {policy.name} allows {most}"),
        (claim.data_digest is None, "names no data digest, so it would be shown and cover nothing"),
    )
    return [reason for applies, reason in reasons if applies]


def sign_into(claim: WaiverClaim, signer: "Signer", path: Path) -> None:
    """Signs a claim and puts the envelope at the end of the file `path`, which is made where it is missing.

    Raises:
        PolicyError: The file is no list of waivers, or holds one of that id.
    """
    from deidrelease.signing.envelopes import sign

    envelopes = _envelopes(path)
    if claim.id in {_id(envelope) for envelope in envelopes}:
        raise _unusable(path, f"holds a waiver {claim.id} already", "give the new one another id")
    if len(envelopes) >= MOST_WAIVERS:
        raise _unusable(path, f"holds {MOST_WAIVERS} waivers", "begin a new file")
    envelopes.append(json.loads(sign(claim_bytes(claim), PAYLOAD_TYPE, signer)))
    with atomic_writer(path) as stream:
        stream.write(canonical(envelopes))


def _envelopes(path: Path) -> list[Any]:
    try:
        envelopes = parse_strict(path.read_bytes(), "it")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        why = error.strerror or "unreadable" if isinstance(error, OSError) else str(error)
        raise _unusable(path, f"is no list of waivers: {why}", "name another file") from None
    if not isinstance(envelopes, list):
        raise _unusable(path, "is no list of waivers", "name another file")
    return envelopes


def _id(envelope: Any) -> object:
    """What the payload gives as id, trusted by nobody yet; None where it gives none."""
    try:
        return json.loads(base64.b64decode(envelope["payload"], validate=True))["id"]
    except (TypeError, KeyError, ValueError, RecursionError, binascii.Error):
        return None


def _problem(document: Document, key: tuple[str | int, ...], message: str) -> Problem:
    return Problem(document.where(key), message.removeprefix("Value error, "), _EXAMPLE)


def _unusable(path: Path, what: str, remedy: str) -> PolicyError:
    return PolicyError("The waivers cannot be used.", [Problem(str(path), what, remedy)])
