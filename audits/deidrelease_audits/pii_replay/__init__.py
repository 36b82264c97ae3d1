"""The audit `pii_replay`: private values that stand in the synthetic text."""

from deidrelease_audits.pii_replay.audit import PiiReplay

__all__ = ["PiiReplay"]
