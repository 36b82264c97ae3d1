"""Encoder taggers: tags over tokens, windows over long notes, constrained decoding, training, tagging."""
