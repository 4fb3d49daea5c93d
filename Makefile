# README.md says what each command does. DATA: complete_journey (default), cdnow, a folder of files, or raw.
SHELL := /bin/bash
PYTHON ?= python3
DATA ?= complete_journey
BIN := .venv/bin
READY := .venv/.ready

.PHONY: build test lint lock clean
.DEFAULT_GOAL := build

build: $(READY)
	@$(BIN)/python scripts/build.py "$(DATA)"

# style, then everything that pytest starts: dbt build with all its tests on fixtures and on both real data sets,
# each in a database of its own, so that data/ stays as it is
test: lint
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/dbt parse --warn-error --quiet
	$(BIN)/sqlfluff lint models macros tests analyses
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# the system's own pip fills the environment, so that neither ensurepip nor the package python3-venv is needed
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: Python 3.11 is needed; name one with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "[0/3] environment: installing the pinned packages into .venv, about a minute ..."
	@$(PYTHON) -m venv --clear --without-pip .venv
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --no-warn-script-location --require-hashes \
		--requirement requirements.lock
	@touch $@

# requirements.in -> requirements.lock; run it after an edit of requirements.in
lock:
	$(PYTHON) -m venv --clear target/lock
	target/lock/bin/python -m pip install --quiet pip-tools==7.6.2
	target/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock requirements.in
	rm -r target/lock

# back to a fresh clone
clean:
	rm -rf .venv target logs data/warehouse.duckdb data/warehouse.duckdb.wal
