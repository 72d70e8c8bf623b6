"""Mixing: how much of each group of documents a corpus has, how often, in which phase and in which order."""
