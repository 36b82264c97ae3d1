"""Corpus formats, one module each, and the table that lists them."""

from deidrelease.formats.reading import EVERY_NOTE_A_PATIENT, STRICT, PatientSource, ReadOptions
from deidrelease.formats.table import FORMATS, Format, find_format, formats, named_format, open_corpus

__all__ = [
    "EVERY_NOTE_A_PATIENT",
    "FORMATS",
    "STRICT",
    "Format",
    "PatientSource",
    "ReadOptions",
    "find_format",
    "formats",
    "named_format",
    "open_corpus",
]
