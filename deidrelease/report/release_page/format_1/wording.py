"""What every page says in the same words."""

from collections.abc import Mapping

OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "pass": ("passed", "\N{CHECK MARK}", "Passed"),
    "pass-with-waivers": ("waived", "!", "Passed with waivers"),
    "blocked": ("blocked", "\N{MULTIPLICATION X}", "Blocked"),
}
"""Outcome to class of the page's style, sign and words."""

STANDINGS: Mapping[str, tuple[str, str]] = {
    "kept": ("\N{CHECK MARK}", "kept"),
    "broken": ("\N{MULTIPLICATION X}", "broken"),
    "unjudged": ("?", "not judged"),
}
STATUSES: Mapping[str, tuple[str, str]] = {
    "measured": ("\N{CHECK MARK}", "measured"),
    "inconclusive": ("?", "inconclusive"),
    "failed": ("\N{MULTIPLICATION X}", "failed"),
}
ENDS: Mapping[str, str] = {"low": "lower end", "high": "upper end"}
"""Which end of an interval is judged, where it is not the value."""

ARMS: Mapping[str, str] = {
    "synthetic": "the release",
    "train": "the private notes that were learned from",
    "holdout": "private notes of patients that nothing was learned from: the control",
}

NOT_SHOWN = (
    (
        "That no patient can be recognised. A verdict says one thing only: whether the numbers that the policy names "
        "keep the limits that it sets. Whether that meets a law is a human judgement, and this page makes none."
    ),
    (
        "What no audit looks for. Each audit below says what it does not say: a rare disease told in other words, a "
        "paraphrase, or what somebody knows of a patient from elsewhere can slip past all of them."
    ),
    (
        "Anything about other data. The numbers hold for these synthetic notes, these private notes and this hold-out. "
        "Intervals cover the choice of patients, not other hospitals, another training, or mistakes of the annotators."
    ),
    "That the notes are true. They are invented; no statement in them may decide about anybody's care.",
    (
        "Who signed. Signatures and approvals stand outside this page; the command in section 10 checks them. A page "
        "without that check is worth nothing."
    ),
)
NO_GUARANTEE = (
    "No differential-privacy guarantee was computed for this release. Nothing on this page bounds what an attacker "
    "with arbitrary knowledge could learn about one patient; the audits are attacks that were tried, not a bound on "
    "those that were not."
)
NO_UTILITY = (
    "Not measured: the bundle holds no evaluation. Nothing is known about what a tagger trained on these notes can do."
)
NO_COVERAGE = (
    "This policy does not say how each class of identifiers is looked for, so nothing is claimed class by class."
)

HIPAA: Mapping[str, str] = {
    "A": "names",
    "B": "places smaller than a state",
    "C": "dates but for the year, and ages over 89",
    "D": "telephone numbers",
    "E": "fax numbers",
    "F": "e-mail addresses",
    "G": "social security numbers",
    "H": "medical record numbers",
    "I": "health plan beneficiary numbers",
    "J": "account numbers",
    "K": "certificate and licence numbers",
    "L": "vehicle identifiers and serial numbers",
    "M": "device identifiers and serial numbers",
    "N": "web addresses",
    "O": "IP addresses",
    "P": "biometric identifiers",
    "Q": "full-face photographs and the like",
    "R": "any other unique identifying number, characteristic or code",
}
"""45 CFR 164.514(b)(2)(i), in short."""

SCORES: Mapping[str, str] = {
    "strict_f1": "strict F1: same span, same type",
    "strict_precision": "strict precision",
    "strict_recall": "strict recall",
    "token_f1": "token F1",
    "token_precision": "token precision",
    "token_recall": "token recall",
    "character_recall": "character recall",
    "unseen_recall": "recall of values unseen in training",
    "exposed_mentions": "mentions left exposed (lower is better)",
    "leak_score": "leak score: misses a sentence (lower is better)",
}

GLOSSARY: Mapping[str, str] = {
    "approval": "A signature by a person, with a key of their own, over this very bundle.",
    "audit": "A program that looks for private content in the synthetic notes and reports numbers, never text.",
    "AUC": "The chance that an attack scores a patient of train above one of the hold-out; 0.5 is a coin.",
    "bundle": "The folder that holds the released notes, this page and all documents it was drawn from, signed whole.",
    "decisive": "Of a finding: fewer than one in a million such is expected by chance in all that was searched.",
    "digest": "SHA-256 of a file: any change of the file changes it.",
    "differential privacy": "A bound, \N{GREEK SMALL LETTER EPSILON} and \N{GREEK SMALL LETTER DELTA}, on how much one "
    "patient's notes can change what comes out, whatever an attacker knows.",
    "gold": "Annotated by people. The gold tagger learned from private notes with such annotation.",
    "hold-out": "Patients from whom nothing was learned. What is found of them is found by chance, so they show what "
    "chance finds of train.",
    "Holm": "A correction for asking several questions at once (Holm 1979).",
    "inconclusive": "The data cannot carry the statistic. It is no good news, and a policy that asks for it blocks.",
    "interval": "Shown in square brackets: the range in which the number would lie in the stated share of repetitions.",
    "policy": "A file of rules: which number, judged at which end of its interval, against which limit, and why.",
    "p-value": "How probable at least such a result is if nothing was learned.",
    "span": "A piece of a note that is marked as personal information, with its type.",
    "synthetic note": "A note sampled from a language model; its personal information is invented or replaced.",
    "train": "The private notes that the language model was adapted to.",
    "waiver": "A signed, dated exception from one rule for one data set. It ends on its day.",
}
