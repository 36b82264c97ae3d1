"""Diversity: what a release loses against the notes it was learned from."""

from deidrelease_audits.diversity.audit import Diversity

__all__ = ["Diversity"]
