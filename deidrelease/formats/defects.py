"""The sorts of defects that a corpus can have: the names under which `corpus check` counts them."""

KINDS = {
    "unreadable": "a file cannot be opened or read",
    "too-large": "a note or a line is larger than any clinical note",
    "encoding": "bytes that are not UTF-8",
    "byte-order-mark": "a byte order mark stands in front of a file that must not have one",
    "control-characters": "NUL or other control characters in the text",
    "surrogate": "half a surrogate pair, which UTF-8 cannot carry",
    "syntax": "a line, object or element that is not of the format",
    "forbidden-xml": "a document type or entity declaration",
    "archive": "an archive, or a file that unpacks to far more than its size",
    "field": "a field is missing, empty, unknown or of the wrong type",
    "missing-annotations": "a text without its file of annotations",
    "unpaired": "annotations without their text, or a list that names an absent file",
    "no-patient": "no patient is known for a note",
    "duplicate-note-id": "a note id stands twice",
    "note-id-of-two-patients": "one note id for the notes of two patients",
    "label": "a label that is empty or cannot be used",
    "offsets": "a span is empty or lies outside the text",
    "text-mismatch": "the annotation quotes another text than the note has at its offsets",
    "duplicate-span": "a span stands twice with one label",
    "overlap": "two spans share characters",
    "discontinuous": "a span of several parts",
    "unsupported": "relations, attributes, events and the like",
    "unlocated-value": "a listed value does not occur in the text",
    "ambiguous-value": "a listed value occurs more often than it is listed",
    "empty-note": "a note without text",
    "mark-in-text": "a text begins with a byte order mark",
    "line-ends": "CR LF line ends, each two code points",
    "not-nfc": "text that is not in Unicode normal form C",
    "other": "anything else",
}

ADVICE = frozenset({"empty-note", "mark-in-text", "line-ends", "not-nfc"})
"""Kinds that do not stop a corpus from being used: its text is taken as it is."""
