"""Verbatim spans: what a synthetic note has word for word from a private one."""

from deidrelease_audits.verbatim.audit import Verbatim

__all__ = ["Verbatim"]
