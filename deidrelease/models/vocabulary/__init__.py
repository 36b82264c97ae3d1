"""Cuts a multilingual vocabulary down to what public word lists need; no private text is ever looked at."""
