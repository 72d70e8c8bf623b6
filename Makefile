# make quickstart | test | check | bench | lmplz: each sets up .venv first.
PYTHON ?= python3
BIN := .venv/bin
MODEL := .venv/share/textmill/lid.176.ftz

LMPLZ := .venv/share/textmill/kenlm/bin/lmplz

.PHONY: setup quickstart test check bench lmplz

setup: .venv/installed $(MODEL)

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(MODEL): .venv/installed
	$(BIN)/textmill fetch lid176
	@touch $@

# What trains perplexity models: kenlm's tools, compiled from its source in about a minute.
lmplz: setup $(LMPLZ)

$(LMPLZ): .venv/installed
	$(BIN)/textmill fetch kenlm
	@touch $@

quickstart: setup
	$(BIN)/textmill sample runs/sample
	$(BIN)/textmill run configs/quickstart.yaml
	$(BIN)/textmill verify runs/quickstart
	@echo "the report to look at: runs/quickstart/report.html"

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@for script in tests/bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
