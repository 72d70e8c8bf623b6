"""Memory of a process that extracts the same pages again and again: it must not grow after the first pass.

``python tests/bench/bench_extract_memory.py [PASSES]`` uses the pages of the folder named by TEXTMILL_TEST_DATA, else
those of a synthetic crawl.
"""

import sys
import tempfile
from pathlib import Path

from bench_extract import ENGINES, batches


def resident() -> float:
    """MiB of this process in memory, now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS in /proc/self/status")


def main() -> None:
    """Print the memory after each pass."""
    with tempfile.TemporaryDirectory() as name:
        pages = batches(Path(name), 2000)
    count = sum(batch.num_rows for batch in pages)
    for number in range(1, 1 + (int(sys.argv[1]) if len(sys.argv) > 1 else 5)):
        for batch in pages:
            ENGINES["textmill"].apply(batch)
        print(f"{number * count:,} pages: {resident():,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
