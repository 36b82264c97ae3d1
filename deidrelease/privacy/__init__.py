"""Differential privacy without a model: units, coins, accounting, the guarantee, and the ledger of what was spent."""
