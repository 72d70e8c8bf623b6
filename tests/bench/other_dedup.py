"""Near-duplicate removal by other tools, each in an environment of its own; bench_dedup.py and bench_simhash.py use it.

``python other_dedup.py TOOL TEXTS.jsonl FOLDER``, where TOOL is ``datatrove`` (its four stages, one after another in
this process), ``text_dedup`` or ``text_dedup_simhash`` (its modules minhash and simhash) or ``rensa`` (signatures
only). Prints the ids of the documents that stay, and of datatrove those that are in a cluster and the processor
seconds of each stage. MinHash: five words a shingle, 14 bands of 8 values, no verification; all else as the tool has
it by default.
"""

import json
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path


def datatrove(texts: str, folder: str) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    reader = JsonlReader(str(Path(texts).parent), glob_pattern=Path(texts).name)
    places = {name: f"{folder}/{name}" for name in ("signatures", "buckets", "remove", "kept", "logs")}
    stages = [
        ([reader, MinhashDedupSignature(places["signatures"], config)], 1),
        ([MinhashDedupBuckets(places["signatures"], places["buckets"], config=config)], config.num_buckets),
        ([MinhashDedupCluster(places["buckets"], places["remove"], config=config, save_cluster_id=True)], 1),
        ([reader, MinhashDedupFilter(places["remove"]), JsonlWriter(places["kept"], compression=None)], 1),
    ]
    spans = []
    for number, (steps, tasks) in enumerate(stages):
        start = time.process_time()
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=f"{places['logs']}/{number}").run()
        spans.append(time.process_time() - start)
    kept = [json.loads(line)["id"] for path in Path(places["kept"]).rglob("*.jsonl") for line in path.open()]
    joined = [row for row, _ in struct.iter_unpack("<2I", Path(places["remove"], "000000.clusters").read_bytes())]
    print(json.dumps({"kept": kept, "joined": list(map(str, joined)), "stages": spans}))


def text_dedup(texts: str, folder: str) -> None:
    from text_dedup.minhash import main

    options = {"ngram": "5", "num_perm": "112", "b": "14", "r": "8", "hash_func": "xxh3", "min_length": "5"}
    by_text_dedup(main, texts, folder, options)


def text_dedup_simhash(texts: str, folder: str) -> None:
    from text_dedup.simhash import main

    by_text_dedup(main, texts, folder, {})


def by_text_dedup(main: Callable[..., None], texts: str, folder: str, options: dict[str, str]) -> None:
    from datasets import load_from_disk

    options |= {"path": "json", "data_files": texts, "split": "train", "cache_dir": f"{folder}/cache"}
    options |= {"output": f"{folder}/kept", "column": "text", "num_proc": "1", "batch_size": "10000"}
    main([part for name, value in options.items() for part in (f"--{name}", value)], standalone_mode=False)
    print(json.dumps({"kept": load_from_disk(f"{folder}/kept")["id"][:]}))


def rensa(texts: str, folder: str) -> None:
    from rensa import RMinHash

    documents = [json.loads(line)["text"] for line in Path(texts).read_text().splitlines()]
    start = time.process_time()
    for document in documents:
        words = document.lower().split()
        sketch = RMinHash(num_perm=112, seed=42)
        sketch.update([" ".join(words[i : i + 5]) for i in range(len(words) - 4)])
        sketch.digest()
    print(json.dumps({"seconds": time.process_time() - start}))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
