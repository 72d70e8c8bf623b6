"""Thresholds by language: what filters read of them, and how they are derived from text."""
