"""Runs audits over corpora and writes what they found: aggregates that may leave, evidence that may not."""
