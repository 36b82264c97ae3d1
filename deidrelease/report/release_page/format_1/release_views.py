"""What the page tells of the release itself: identity, data, the corpora behind it, software, and the files."""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.format_1.audit_views import facts
from deidrelease.report.release_page.format_1.figures import counted, exact, moment, number, plain
from deidrelease.report.release_page.format_1.wording import ARMS

_STAGES = ("split", "annotator", "pseudonymise", "adapt", "generate", "annotate", "substitute", "train", "evaluate",
           "audit", "gate")  # fmt: skip
_MANY = "data/brat/"


def identity(release: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Who releases what to whom, and until when."""
    return {
        **{key: release[key] for key in ("release_id", "dataset", "title", "description", "licence", "draft")},
        **{key: release[key] for key in ("recipient", "publisher", "contact", "previous")},
        "languages": ", ".join(release["languages"]) or "not stated",
        "sequence": number(release["sequence"]),
        "created": moment(release["created"]),
        "valid_until": moment(release["valid_until"]),
        "scope": _scope(release, result),
    }


def data_view(release: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The released notes in numbers, and whether they are those that were audited."""
    data, audited = release["data"], result["corpora"].get("synthetic")
    return {
        "digest": data["digest"],
        "audited": audited["digest"] if audited else "",
        "same": audited is not None and audited["digest"] == data["digest"] and audited["notes"] == data["notes"],
        "notes": number(data["notes"]),
        "audited_notes": number(audited["notes"]) if audited else "",
        "characters": number(data["characters"]),
        "shards": counted(len(data["shards"]), "file", "files"),
        "copies": ", ".join(data["copies"]) or "none",
        "spans": [(label, data["spans"][label]) for label in sorted(data["spans"])],
        "scanned": number(result["scanned"]),
        "total": number(result["total"]),
        "whole": result["scanned"] == result["total"] > 0,
    }


def methods_view(release: Mapping[str, Any], result: Mapping[str, Any], receipts: Mapping[str, Any]) -> dict[str, Any]:
    """What it was made from and with."""
    return {
        "corpora": [_corpus(arm, result["corpora"][arm]) for arm in ARMS if arm in result["corpora"]],
        "holdout": "holdout" in result["corpora"],
        "family": [(name, number(p)) for name, p in sorted(result["family"]["adjusted"].items())],
        "family_method": result["family"]["method"],
        "stages": [_stage(name, receipts[name]) for name in _in_order(receipts)],
        "versions": _versions(receipts),
        "settings": facts(result["settings"]),
        "result_version": result["version"],
        "result_seed": str(result["seed"]),
        "seed": str(release["seed"]),
        "tool": f"{release['tool']['name']} {release['tool']['version']}",
        "lock": release["tool"]["lock_sha256"],
        "detector": release["models"]["detector_sha256"],
    }


def privacy_view(release: Mapping[str, Any]) -> dict[str, Any]:
    """The differential-privacy guarantee, where there is one."""
    promise = release["privacy"]["differential_privacy"]
    return {"statement": release["privacy"]["statement"], "promise": None if promise is None else facts(promise)}


def file_rows(digests: Mapping[str, str]) -> dict[str, Any]:
    """Every file with its digest; one file a note is only counted, for the manifest lists each."""
    shown = [(path, digests[path]) for path in sorted(digests) if not path.startswith(_MANY)]
    hidden = len(digests) - len(shown)
    return {"rows": shown, "hidden": counted(hidden, "file", "files") if hidden else ""}


def _scope(release: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    held = [
        f"{counted(result['corpora'][arm]['notes'], 'note', 'notes')} of "
        f"{counted(result['corpora'][arm]['patients'], 'patient', 'patients')} {words}"
        for arm, words in (("train", "that were learned from"), ("holdout", "held out as the control"))
        if arm in result["corpora"]
    ]
    against = " and ".join(held) or "no private corpus"
    return f"{counted(release['data']['notes'], 'synthetic note', 'synthetic notes')}, audited against {against}"


def _corpus(arm: str, record: Mapping[str, Any]) -> dict[str, str]:
    return {
        "arm": arm,
        "what": ARMS[arm],
        "notes": number(record["notes"]),
        "patients": number(record["patients"]),
        "digest": record["digest"],
        "kind": "keyed: tells nothing without the site's key" if record["keyed"] else "SHA-256 of the notes",
    }


def _in_order(receipts: Mapping[str, Any]) -> list[str]:
    return [name for name in _STAGES if name in receipts] + sorted(set(receipts) - set(_STAGES))


def _stage(name: str, receipt: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": name,
        "version": number(receipt["version"]),
        "seed": str(receipt["seed"]),
        "seconds": exact(round(receipt["seconds"])),
        "attempts": number(receipt["attempts"]),
        "fingerprint": receipt["fingerprint"],
    }


def _versions(receipts: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: dict[str, set[str]] = {}
    for receipt in receipts.values():
        for name, version in receipt["versions"].items():
            found.setdefault(name, set()).add(version)
    return [(name, plain(sorted(found[name]))) for name in sorted(found)]
