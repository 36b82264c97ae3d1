"""Notes as arrays: tokens, shingles, squeezed characters, word borders."""
