"""Loops over text in numba, on numpy arrays; each has a slow twin in tests/naive.py."""
