"""Whom a recipient believes: keys with what each may do and when, and what has to be signed.

A bundle never brings its own keys. Whoever verifies has this file from somewhere else, and says in it what they ask
for; nothing in a bundle can ask for less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deidrelease.errors import BundleError, Problem
from deidrelease.signing.public_keys import KeyRefusedError, PublicKey, parse_public_key
from deidrelease.yaml_lines import Document, Wanted, dotted, read_document

FORMAT = "deidrelease.trust/1"
Role = Literal["release", "approval", "waiver"]
Demand = Literal["release-audit", "simple-verification-result", "approval"]
_EXAMPLE = "see docs/how-to/verify.md for an example"
_WANTED = Wanted(BundleError, "No trust policy.", "the trust policy cannot be used.", _EXAMPLE, plain=True)
_DIGEST = r"^[0-9a-f]{64}$"
_MOST_KEYS = 64


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, whose it is, and what it is believed for.

    Attributes:
        name: Of the person or the pipeline that holds it.
        roles: What its signatures count for.
        key: The key.
        valid_from: First day, UTC.
        valid_until: The first day on which it is valid no more, UTC.
    """

    name: str
    roles: frozenset[Role]
    key: PublicKey
    valid_from: date
    valid_until: date

    def valid_on(self, day: date) -> bool:
        """Whether `day` lies within its validity."""
        return self.valid_from <= day < self.valid_until

    def valid_at(self, moment: datetime) -> bool:
        """Whether `moment`, which knows its time zone, lies within its validity."""
        return self.valid_on(moment.astimezone(UTC).date())


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What a recipient believes and asks for.

    Attributes:
        keys: Whose signatures count, no key twice.
        policies: SHA-256 of the resolved policies that a release may be judged by.
        approvals: How many distinct keys have to approve, at the least.
        require: Statements that have to be there.
        max_age_days: How old a release may be.
        recipient: For whom it has to be made; None for anybody.
    """

    keys: tuple[TrustedKey, ...]
    policies: frozenset[str]
    approvals: int
    require: frozenset[Demand]
    max_age_days: int
    recipient: str | None

    def keys_with(self, role: Role) -> tuple[TrustedKey, ...]:
        """Those that are believed for `role`."""
        return tuple(key for key in self.keys if role in key.roles)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Key(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[list[Role], Field(min_length=1)]
    public_key: str
    valid_from: date
    valid_until: date


class _File(_Strict):
    format: Literal["deidrelease.trust/1"]
    keys: Annotated[list[_Key], Field(min_length=1, max_length=_MOST_KEYS)]
    policies: Annotated[list[Annotated[str, Field(pattern=_DIGEST)]], Field(min_length=1)]
    approvals: Annotated[int, Field(ge=0, le=_MOST_KEYS)]
    require: Annotated[list[Demand], Field(min_length=1)]
    max_age_days: Annotated[int, Field(ge=1, le=36_500)]
    recipient: Annotated[str, Field(min_length=1, max_length=500)] | None


def load_trust(path: Path) -> TrustPolicy:
    """Reads a `trust.yaml`.

    Raises:
        BundleError: Everything that is wrong with it, each with its line.
    """
    document = read_document(path, _WANTED)
    try:
        file = _File.model_validate(document.values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        problems = [_problem(document, d["type"], tuple(d["loc"]), d["msg"]) for d in details]
        raise BundleError(f"{path}: {_WANTED.unusable}", problems) from None
    keys, problems = _keys(document, file)
    problems += _demands(document, file, keys)
    if problems:
        raise BundleError(f"{path}: {_WANTED.unusable}", problems)
    return TrustPolicy(
        tuple(keys),
        frozenset(file.policies),
        file.approvals,
        frozenset(file.require),
        file.max_age_days,
        file.recipient,
    )


def trust_document(trust: TrustPolicy, remark: str = "") -> str:
    """`trust` as the YAML that `load_trust` reads back to an equal one.

    Args:
        trust: What to write.
        remark: Stands above, as a comment.
    """
    lines = [f"# {line}".rstrip() for line in remark.splitlines()]
    lines += [f"format: {FORMAT}", "keys:", *(key_entry(key).rstrip("\n") for key in trust.keys)]
    lines += ["policies:", *(f'  - "{digest}"' for digest in sorted(trust.policies))]
    lines += [f"approvals: {trust.approvals}", f"require: [{', '.join(_ordered(get_args(Demand), trust.require))}]"]
    lines += [f"max_age_days: {trust.max_age_days}", f"recipient: {_quoted(trust.recipient)}"]
    return "\n".join(lines) + "\n"


def key_entry(key: TrustedKey) -> str:
    """The lines for `key` below `keys:` of a `trust.yaml`."""
    pem = "\n".join(f"      {line}" for line in key.key.pem.splitlines())
    return (
        f"  - name: {_quoted(key.name)}\n"
        f"    roles: [{', '.join(_ordered(get_args(Role), key.roles))}]\n"
        f"    public_key: |\n{pem}\n"
        f"    valid_from: {key.valid_from.isoformat()}\n"
        f"    valid_until: {key.valid_until.isoformat()}\n"
    )


def _quoted(text: str | None) -> str:
    if text is None:
        return "null"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    # YAML has one escape for a character of any plane; JSON's two halves it does not put together.
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"


def _ordered(order: Sequence[str], chosen: Iterable[str]) -> list[str]:
    return [each for each in order if each in set(chosen)]


def _keys(document: Document, file: _File) -> tuple[list[TrustedKey], list[Problem]]:
    keys: list[TrustedKey] = []
    problems: list[Problem] = []
    for number, entry in enumerate(file.keys):
        place = ("keys", number)
        try:
            key = parse_public_key(entry.public_key.encode("utf-8"))
        except KeyRefusedError as error:
            remedy = "copy the lines that `deidrelease key new` printed"
            problems.append(Problem(document.where((*place, "public_key")), str(error), remedy))
            continue
        trusted = TrustedKey(entry.name, frozenset(entry.roles), key, entry.valid_from, entry.valid_until)
        problems += (Problem(document.where((*place, at)), *words) for at, *words in _defects(trusted, keys))
        keys.append(trusted)
    return keys, problems


def _defects(key: TrustedKey, before: Sequence[TrustedKey]) -> list[tuple[str, str, str]]:
    """Key of the entry, what is wrong there, and the remedy."""
    found = []
    if key.valid_from >= key.valid_until:
        found.append(("valid_until", "is not after valid_from", "give the day on which the key ends"))
    if not key.name.isprintable():
        found.append(("name", "holds what no terminal shows", "write it in plain letters"))
    if any(other.name == key.name for other in before):
        found.append(("name", "is the name of another key here", "give each key a name of its own"))
    if any(other.key.material == key.key.material for other in before):
        found.append(("public_key", "stands here under another name: one key is one signature", "keep one of them"))
    if "release" in key.roles and len(key.roles) > 1:
        what = "let one key release and also approve or waive"
        found.append(("roles", what, "use a key of its own for each: nobody approves their own work"))
    return found


def _demands(document: Document, file: _File, keys: Sequence[TrustedKey]) -> list[Problem]:
    problems = []
    if "release-audit" not in file.require:
        what = "does not ask for release-audit, without which nothing is known of a bundle"
        problems.append(Problem(document.where(("require",)), what, "add it"))
    if not any("release" in key.roles for key in keys):
        problems.append(Problem(document.where(("keys",)), "no key has the role release", "add the publisher's"))
    approving = sum("approval" in key.roles for key in keys)
    if approving < max(file.approvals, "approval" in file.require):
        what = f"asks for more approvals than the {approving} key(s) of that role can give"
        problems.append(Problem(document.where(("approvals",)), what, "add the approvers' keys, or ask for fewer"))
    if file.recipient is not None and not file.recipient.isprintable():
        problems.append(Problem(document.where(("recipient",)), "holds what no terminal shows", "write it plainly"))
    return problems


def _problem(document: Document, kind: str, key: tuple[str | int, ...], message: str) -> Problem:
    where = document.where(key)
    if kind == "extra_forbidden":
        return Problem(where, f"{dotted(key[-1:])} is no key of a trust policy", _EXAMPLE)
    if kind == "missing":
        return Problem(where, "is missing", "say it; whom to believe is never guessed")
    return Problem(where, message.removeprefix("Value error, "), _EXAMPLE)
