"""The audit layer; its audits come in issues of their own."""
