"""Files: what a run reads (WARC, HTML, JSONL, Parquet) and how it writes, whole or not at all."""
