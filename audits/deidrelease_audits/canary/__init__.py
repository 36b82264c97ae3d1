"""Canaries: how much of made-up notes that were planted into training was remembered, and what that proves."""

from deidrelease_audits.canary.audit import Canary

__all__ = ["Canary"]
