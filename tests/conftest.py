"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """The file system of an object store in this process; ``s3://bucket`` is there for every test of a module."""
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        fs = s3fs.S3FileSystem()
        fs.mkdir("bucket")
        yield fs
        fs.rm("bucket", recursive=True)
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
