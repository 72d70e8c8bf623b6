"""Near-duplicate removal on real text beside other tools: processor seconds from JSONL to what stays, and what stays.

``python tests/bench/bench_dedup.py datatrove=PYTHON text_dedup=PYTHON rensa=PYTHON`` with the interpreters of
environments in which they are installed; those not given are left out; ``every=10`` takes every tenth text, for tools
that need minutes for all. Needs TEXTMILL_TEST_DATA. Every tool runs as a process of its own on one core, start
included, with one worker; textmill with the executor that its tests take as reference. A tool's environment that
lacks something fails with its own words.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
import zstandard
from pyarrow.dataset import dataset
from timing import processor_seconds

from textmill.dedup.signatures import permutations, signatures
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.shingles import word_shingles

FOLDERS = ("news", "web", "legal", "wiki", "qa", "math", "code", "spam")
MINHASH = {"minhash": {"ngram": 5, "bands": 14, "rows": 8}}
RUN = "import sys; from textmill.pipeline.cli import main; sys.argv[0] = 'textmill'; main()"


def main(others: dict[str, str]) -> None:
    """Write the texts as one JSONL file, and let every tool deduplicate it."""
    if "TEXTMILL_TEST_DATA" not in os.environ:
        print("skipped: TEXTMILL_TEST_DATA does not name a folder of real data")
        return
    texts = real_texts(Path(os.environ["TEXTMILL_TEST_DATA"]))[:: int(others.pop("every", "1"))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.jsonl")
        file.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
        size = sum(len(text.encode()) for text in texts) / 1e6
        print(f"{len(texts)} texts, {size:.1f} MB")
        ours, result = by_textmill(file, Path(folder, "textmill"), MINHASH)
        kept, joined = set(result["kept"]), set(result["joined"])
        print(f"textmill: {ours:.1f} s, {size / ours:.1f} MB/s, {len(kept)} stay, {len(joined)} have a near-duplicate")
        for name, python in others.items():
            seconds, result = timed([python, str(Path(__file__).with_name("other_dedup.py")), name, str(file), folder])
            if name == "rensa":
                signing = by_kernels(texts)
                print(f"rensa, signatures from text: {result['seconds']:.2f} s; textmill {signing:.2f} s", end="; ")
                print(f"ratio {result['seconds'] / signing:.1f}")
                continue
            theirs = set(result["kept"])
            print(f"{name}: {seconds:.1f} s, {size / seconds:.1f} MB/s, {len(theirs)} stay", end="; ")
            print(f"ratio {seconds / ours:.1f}; {len(kept & theirs)} stay with both")
            if "joined" in result:
                theirs = set(result["joined"])
                print(f"  {len(theirs)} have a near-duplicate, {len(joined & theirs)} with both; by stage", end=" ")
                print(", ".join(f"{span:.1f} s" for span in result["stages"]))


def real_texts(data: Path) -> list[str]:
    """Texts of the shared folder, near-duplicates among them."""
    files = [file for name in FOLDERS for file in sorted((data / "text" / name).glob("*.jsonl.zst"))]
    texts = []
    for file in [*files, data / "neardup/licences.jsonl.zst"]:
        with zstandard.open(file, "rt", encoding="utf-8") as stream:
            texts += [json.loads(line)["text"] or "" for line in stream]
    return texts


def by_textmill(file: Path, out: Path, barrier: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The same through `textmill run`, its books and decisions included: seconds, and ids, as other_dedup.py's."""
    recipe = {
        "name": "bench",
        "inputs": [{"source": "texts", "read": "jsonl", "files": str(file)}],
        "stages": [{"barrier": "near_duplicates", **barrier}],
    }
    out.mkdir()
    (out / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    command = [sys.executable, "-c", RUN, "run", str(out / "recipe.yaml"), "--out", str(out / "run")]
    seconds, _ = timed([*command, "--executor", "serial"])
    kept = dataset(out / "run/data", format="parquet").to_table(["id"])["id"].to_pylist()
    gone = dataset(sorted(map(str, out.glob("run/stages/*/decisions/*.parquet"))), format="parquet").to_table()
    return seconds, {"kept": kept, "joined": gone["id"].to_pylist() + gone["kept_id"].to_pylist()}


def by_kernels(texts: list[str]) -> float:
    """Seconds for signatures of 112 values from text."""
    data, offsets, _ = text_buffers(pa.array(texts))
    permuted = permutations(112, 1)
    return processor_seconds(lambda: signatures(word_shingles(data, offsets, 5), permuted), times=3)


def timed(command: list[str]) -> tuple[float, dict[str, Any]]:
    """Processor seconds of a process and its children, held to one core, and what it printed last."""
    core = str(min(os.sched_getaffinity(0)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["taskset", "-c", core, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(done.stdout[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    span = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return span, json.loads(lines[-1]) if lines else {}


if __name__ == "__main__":
    main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
