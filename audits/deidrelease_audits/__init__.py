"""The audit layer: what of a private corpus is in a synthetic one, measured against patients that nothing saw."""
