"""Membership: does the synthetic corpus alone tell who was in train?"""

from deidrelease_audits.membership.audit import Membership

__all__ = ["Membership"]
