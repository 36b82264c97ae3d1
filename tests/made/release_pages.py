"""Documents of a small release, written by hand: what the report page is drawn from."""

import copy
from typing import Any

DIGEST = "5f" * 32


def number(value: float, low: float | None = None, high: float | None = None, n: int = 40) -> dict[str, Any]:
    """An estimate as JSON has it; exact where no interval is given."""
    low, high = (value, value) if low is None or high is None else (low, high)
    method = "counted, no sampling" if low == high else "Wilson score interval (Wilson 1927)"
    return {"value": value, "low": low, "high": high, "confidence": 0.95, "n": n, "method": method}


def judgement(rule: str, standing: str = "kept", severity: str = "block", **other: Any) -> dict[str, Any]:
    """A demand about no number, unless `other` says so."""
    return {
        "rule": rule,
        "metric": "",
        "standing": standing,
        "severity": severity,
        "judged": "",
        "estimate": None,
        "limit": "",
        "what": f"What was found for {rule}.",
        "because": f"The reason for {rule}.",
        "remedy": f"What can be done about {rule}.",
        "waiver": "",
        **other,
    }


def page_documents(**release: Any) -> dict[str, Any]:
    """Every document that a page needs, of a release that passes; `release` overwrites keys of release.json."""
    return copy.deepcopy(
        {
            "metadata/release.json": {**_RELEASE, **release},
            "audit/result.json": _RESULT,
            "audit/utility.json": _UTILITY,
            "policy/resolved.json": _POLICY,
            "policy/waivers.json": [],
            "gate/verdict.json": _VERDICT,
            "metadata/receipts.json": _RECEIPTS,
        }
    )


def page_digests() -> dict[str, str]:
    """Of the files that a bundle with `page_documents` has."""
    paths = (*page_documents(), "data/notes-00000.jsonl", "metadata/README.md", "metadata/lock.txt")
    return {path: f"{index:064x}" for index, path in enumerate(sorted(paths))}


_RELEASE = {
    "format": "deidrelease.release/1",
    "release_id": "0123456789abcdef" * 2,
    "dataset": "small-notes",
    "title": "Small synthetic notes",
    "description": "Invented notes of an invented hospital.",
    "languages": ["en"],
    "licence": "CC-BY-4.0",
    "sequence": 1,
    "previous": None,
    "created": "2026-11-21T10:00:00Z",
    "valid_until": "2027-11-21T10:00:00Z",
    "recipient": "A research group",
    "publisher": "A hospital",
    "contact": "release@hospital.example",
    "draft": False,
    "data": {
        "digest": DIGEST,
        "notes": 1234,
        "characters": 567890,
        "shards": ["data/notes-00000.jsonl"],
        "copies": [],
        "spans": {"NAME": "2345", "FAX": "1-9"},
    },
    "tool": {"name": "deidrelease", "version": "0.1.0", "lock_sha256": "ab" * 32},
    "models": {"detector_sha256": None},
    "seed": 7,
    "privacy": {"differential_privacy": None, "statement": ""},
    "report_format": "deidrelease.report/1",
}

_REPLAY = {
    "audit": "pii_replay",
    "version": 1,
    "status": "measured",
    "reason": "",
    "threat_model": "Somebody reads the release and takes a value for a patient's.",
    "metrics": {"decisive": number(0.0), "rate": number(0.125, 0.0625, 0.25)},
    "control": {"rate": number(0.1, 0.05, 0.2, n=20)},
    "p_value": 0.25,
    "null": {"limit": 1e-06, "is": "The text was written without the patient's value."},
    "breakdown": {"found, train": {"NAME": "12", "FAX": "1-9"}, "found, holdout": {"NAME": "0", "FAX": "0"}},
    "settings": {"detectable": 5},
    "seed": 3,
    "says": "How many identifiers stand in the release.",
    "does_not_say": "That values which nobody annotated are absent.",
}
_MEMBERSHIP = {
    **_REPLAY,
    "audit": "membership",
    "threat_model": "Somebody with a patient's notes asks whether they were in train.",
    "metrics": {"auc": number(0.56, 0.51, 0.61)},
    "control": {},
    "p_value": None,
    "null": {},
    "breakdown": {},
    "says": "What two named attacks reached.",
    "does_not_say": "That no one can be found out.",
}
_RESIDUAL = {
    **_MEMBERSHIP,
    "audit": "pii_residual",
    "metrics": {"hits_per_1k_tokens_A": number(12.5, 11.0, 14.0), "detector_recall_A": number(0.9, 0.85, 0.95)},
}
_RESULT = {
    "format": "deidrelease.audit-result/1",
    "version": "0.1.0",
    "seed": 3,
    "settings": {"language": "en", "label_map": {"name": "demo", "version": 1}, "tagger": False},
    "corpora": {
        "synthetic": {"digest": DIGEST, "keyed": False, "notes": 1234, "patients": 1234},
        "train": {"digest": "6a" * 32, "keyed": True, "notes": 80, "patients": 40},
        "holdout": {"digest": "7b" * 32, "keyed": True, "notes": 40, "patients": 20},
    },
    "scanned": 1354,
    "total": 1354,
    "audits": [_REPLAY, _MEMBERSHIP, _RESIDUAL],
    "family": {"method": "Holm 1979, over every p-value of this run", "adjusted": {"pii_replay": 0.25}},
}

_TAGGER = {
    "overall": {"strict_f1": number(0.9, 0.85, 0.95), "leak_score": None},
    "per_label": {
        "NAME": {"strict_precision": None, "strict_recall": None, "strict_f1": number(0.8, 0.7, 0.9), "token_f1": None,
                 "support": 120},
        "FAX": {"strict_precision": None, "strict_recall": None, "strict_f1": number(0.4321, 0.1234, 0.9, n=3),
                "token_f1": None, "support": 3},
    },
    "notes": 40,
    "patients": 20,
    "mentions": 123,
    "sentences": 300,
    "unseen_mentions": 50,
}  # fmt: skip
_UTILITY = {
    "format": "deidrelease.evaluation/1",
    "test_set": "hold-out patients, gold annotation",
    "gold_tagger": _TAGGER,
    "synthetic_tagger": _TAGGER,
    "synthetic_minus_gold": {"strict_f1": number(-0.05, -0.1, 0.0), "leak_score": None},
    "says": "How well each tagger finds annotated PII.",
    "does_not_say": "Nothing about leaks.",
}


def _rule(metric: str, at_most: float, **other: Any) -> dict[str, Any]:
    because = {"because": f"Why {metric} is bounded.", "source": "this product's default", "remedy": "Train less."}
    bounds = {"at_most": at_most, "at_least": None, "judge": "high", "severity": "block", "waivable": True}
    return {"metric": metric, **bounds, **because, **other}


_POLICY = {
    "format": "deidrelease.policy/1",
    "name": "small",
    "version": "1.2.3",
    "title": "A small policy",
    "description": "For tests.",
    "extends": [],
    "requires": [],
    "rules": {
        "no-replay": _rule("pii_replay.decisive", 0.0, waivable=False),
        "membership": _rule("membership.auc", 0.75),
    },
    "approvals": 2,
    "statements": {"no-actual-knowledge": "I know of nobody who could be recognised."},
    "valid_days": 365,
    "waivers": {"max_days": 90},
    "signable": True,
    "coverage": {
        letter: {"how": "no text holds it", "by": []}
        if letter in "PQ"
        else {"how": f"values of class {letter} are searched", "by": ["pii_replay.decisive"]}
        for letter in "ABCDEFGHIJKLMNOPQR"
    },
    "not_covered": ["Pictures and sound."],
}
_VERDICT = {
    "format": "deidrelease.verdict/1",
    "outcome": "pass",
    "policy": "small",
    "policy_version": "1.2.3",
    "policy_sha256": "9c" * 32,
    "signable": True,
    "data_digest": DIGEST,
    "judgements": [
        judgement("result.whole"),
        judgement("no-replay", metric="pii_replay.decisive", judged="high", estimate=number(0.0), limit="at most 0"),
        judgement(
            "membership",
            metric="membership.auc",
            judged="high",
            estimate=number(0.56, 0.51, 0.61),
            limit="at most 0.75",
        ),
    ],
    "refused_waivers": {},
    "approvals": 2,
    "statements": ["no-actual-knowledge"],
    "valid_days": 365,
}
_RECEIPTS = {
    "generate": {
        "version": 1,
        "fingerprint": "ee" * 32,
        "seed": 11,
        "seconds": 12.75,
        "attempts": 1,
        "versions": {"deidrelease": "0.1.0", "torch": "2.8.0"},
        "outputs": {"notes.jsonl": DIGEST},
    }
}
