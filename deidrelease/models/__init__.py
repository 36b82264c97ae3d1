"""The two kinds of model: encoders that tag PII, and causal language models that write notes."""
