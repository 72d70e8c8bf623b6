"""Barriers that find duplicates."""
