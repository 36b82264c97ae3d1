"""Residual PII: what detectors find in the synthetic text, and what they may have missed."""

from deidrelease_audits.pii_residual.audit import PiiResidual

__all__ = ["PiiResidual"]
