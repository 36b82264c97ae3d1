"""Linkage: do values of one private patient stand together in one synthetic note?"""

from deidrelease_audits.linkage.audit import Linkage

__all__ = ["Linkage"]
