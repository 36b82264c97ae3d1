"""Near-duplicates: synthetic notes that are largely one private note, or hold one, or were taken from one."""

from deidrelease_audits.near_duplicate.audit import NearDuplicate

__all__ = ["NearDuplicate"]
