"""Corpus formats, one module each, and the table that lists them."""

from deidrelease.formats.table import FORMATS, Format, open_corpus

__all__ = ["FORMATS", "Format", "open_corpus"]
