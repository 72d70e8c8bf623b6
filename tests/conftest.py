"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("textmill", deadline=None)  # the first example pays for compiling a kernel
settings.load_profile("textmill")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real crawl files and texts; tests that need it are skipped without it."""
    folder = os.environ.get("TEXTMILL_TEST_DATA")
    if not folder:
        pytest.skip("TEXTMILL_TEST_DATA does not name a folder of real data")
    return Path(folder)
