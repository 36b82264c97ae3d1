"""Differential privacy: what is promised, to whom, and what is outside of it."""

from deidrelease_audits.dp.audit import DifferentialPrivacy

__all__ = ["DifferentialPrivacy"]
