"""Runs audits over corpora and writes what they found: aggregates that may leave, evidence that may not."""

from deidrelease.auditing.choosing import chosen_audits
from deidrelease.auditing.result import AuditResult, CorpusFacts, read_result
from deidrelease.auditing.running import audit
from deidrelease.auditing.writing import write_result

__all__ = ["AuditResult", "CorpusFacts", "audit", "chosen_audits", "read_result", "write_result"]
