"""Recipes and lists that come with textmill."""
