"""A small synthetic crawl with known ground truth, for trying things out and for tests."""

from textmill.pipeline.sample.crawl import Summary, Truth, generate

__all__ = ["Summary", "Truth", "generate"]
