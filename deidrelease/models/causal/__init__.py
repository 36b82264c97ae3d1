"""Causal language models: load or make one, adapt it to notes, sample notes from it."""
