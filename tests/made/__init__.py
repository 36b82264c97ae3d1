"""Small but real things that several tests build: packs, GGUF files, wheels, tokenizers."""
