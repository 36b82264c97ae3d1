"""What `deidrelease verify` prints; nothing of a bundle reaches a terminal unescaped."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from deidrelease.bundle.verification import CHECKS, Verification
from deidrelease.signing.trust import TrustPolicy

FORMAT = "deidrelease.verification/1"
DOES_NOT_MEAN = (
    "that no patient can be recognised: audits measure what they look for, with the detectors and models they name",
    "that the publisher's result is right: who holds the release key vouches for it; `--rerun` repeats the audits",
    "that texts for people (the card, descriptions, counts by label) are true: they are the publisher's signed word",
    "that the law of your country allows your use: read the licence, the recipient and the report",
)
"""What a reader may not conclude from a bundle that verifies."""


def document(found: Verification, trust: TrustPolicy, stateless: bool) -> str:
    """All of it as JSON, for machines."""
    record = {
        "format": FORMAT,
        "verified": found.ok,
        "checks": dict(found.checks),
        "not_asked_for": list(_left_out(trust, stateless)),
        "failures": [asdict(failure) for failure in found.failures],
        "facts": dict(found.facts),
        "does_not_mean": list(DOES_NOT_MEAN),
    }
    return json.dumps(record, indent=1)


def show(bundle: Path, found: Verification, trust: TrustPolicy, stateless: bool) -> None:
    """Prints the same for people."""
    for line in _lines(bundle, found, trust, stateless):
        click.echo(line)


def plain(text: object) -> str:
    """`text` without signs that a terminal would act on, or that turn the direction of writing."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in str(text))


def _lines(bundle: Path, found: Verification, trust: TrustPolicy, stateless: bool) -> Iterator[str]:
    yield f"{'VERIFIED' if found.ok else 'NOT VERIFIED'}  {plain(bundle)}"
    yield from (_facts(found) if found.ok else ())
    yield ""
    for name, means in CHECKS.items():
        if name in found.checks:
            yield f"  {'pass' if found.checks[name] else 'FAIL'}  {name:<11} {means}"
    yield from (f"  not asked for: {left}" for left in _left_out(trust, stateless))
    yield ""
    if found.ok:
        yield "This does not mean"
        yield from (f"  - {meaning}" for meaning in DOES_NOT_MEAN)
        return
    yield f"{len(found.failures)} reason(s) not to use it:"
    for failure in found.failures:
        yield f"  {failure.code}: {plain(failure.where)} {plain(failure.what)}"
        yield f"      → {failure.remedy}"


def _facts(found: Verification) -> Iterator[str]:
    facts = found.facts
    yield f"  {plain(facts['title'])}: release {facts['sequence']} of {facts['dataset']}, {facts['notes']:,} notes"
    yield f"  made {facts['created']}, valid until {facts['valid_until']}, for {plain(facts['recipient'])}"
    yield f"  {facts['outcome']} under {facts['policy']} {facts['policy_version']} ({facts['policy_sha256']})"
    if facts["waivers"]:
        yield f"  by waivers: {plain(', '.join(facts['waivers']))}"
    key = facts["release_key"]
    yield f"  signed by {plain(key['name'])} ({key['sha256']})"
    yield f"  approved by {plain(', '.join(facts['approved_by']) or 'nobody, and nobody was asked for')}"


def _left_out(trust: TrustPolicy, stateless: bool) -> Iterator[str]:
    if trust.recipient is None:
        yield "recipient (your trust policy takes a release made for anybody)"
    if stateless:
        yield "history (--stateless: an older release would not be noticed)"
