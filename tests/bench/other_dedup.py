"""Near-duplicate removal by other tools, each in an environment of its own; used by bench_dedup.py.

``python other_dedup.py TOOL TEXTS.jsonl FOLDER``, where TOOL is ``datatrove`` (its four stages, one after another in
this process), ``text_dedup`` (its minhash module) or ``rensa`` (signatures only). Prints how many documents stay.
All: five words a shingle, 14 bands of 8 values, no verification.
"""

import json
import sys
import time
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
        ([MinhashDedupCluster(places["buckets"], places["remove"], config=config)], 1),
        ([reader, MinhashDedupFilter(places["remove"]), JsonlWriter(places["kept"], compression=None)], 1),
    ]
    for number, (steps, tasks) in enumerate(stages):
        logs = f"{places['logs']}/{number}"
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=logs).run()
    kept = sum(1 for path in Path(places["kept"]).rglob("*.jsonl") for _ in path.open())
    print(json.dumps({"kept": kept}))


def text_dedup(texts: str, folder: str) -> None:
    from datasets import load_from_disk
    from text_dedup.minhash import main

    options = {"path": "json", "data_files": texts, "split": "train", "cache_dir": f"{folder}/cache"}
    options |= {"output": f"{folder}/kept", "column": "text", "ngram": "5", "num_perm": "112", "b": "14", "r": "8"}
    options |= {"hash_func": "xxh3", "num_proc": "1", "batch_size": "10000", "min_length": "5"}
    main([part for name, value in options.items() for part in (f"--{name}", value)], standalone_mode=False)
    print(json.dumps({"kept": len(load_from_disk(f"{folder}/kept"))}))


def rensa(texts: str, folder: str) -> None:
    from rensa import RMinHash

    documents = [json.loads(line)["text"] for line in Path(texts).read_text().splitlines()]
    start = time.process_time()
    for document in documents:
        words = document.lower().split()
        sketch = RMinHash(num_perm=112, seed=42)
        sketch.update([" ".join(words[i : i + 5]) for i in range(len(words) - 4)])
        sketch.digest()
    print(json.dumps({"kept": len(documents), "seconds": time.process_time() - start}))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
