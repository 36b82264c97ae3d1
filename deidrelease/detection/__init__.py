"""A second detector: Presidio's patterns for es, sv and en, the project's own tagger, and how the two are merged."""
