"""The formats of a corpus: what a trainer reads."""
