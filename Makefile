# make demo   the whole job on the embedded sandbox
# make test   linters, type checker, unit and integration tests
# make help   everything else

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= target
SCALE ?= 1
WORKERS ?= 2
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit integration sandbox sandbox-stop lock clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/run.stamp ## install what a run needs into .venv

demo: $(VENV)/run.stamp ## run everything on an embedded PostgreSQL (PROFILE=target|as_deployed, SCALE=n)
	@$(BIN)/python -m sandbox demo --profile $(PROFILE) --scale $(SCALE)

test: lint types unit integration ## run all tests

lint: $(VENV)/dev.stamp ## run ruff, yamllint and ansible-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline --strict

types: $(VENV)/dev.stamp ## run the type checker
	$(BIN)/mypy

unit: $(VENV)/dev.stamp ## run the tests that need no server
	$(BIN)/pytest tests/unit

integration: $(VENV)/dev.stamp ## run the tests on the embedded PostgreSQL
	$(BIN)/pytest tests/integration -n $(WORKERS) --dist worksteal

sandbox: $(VENV)/run.stamp ## start the sandbox and print how to connect
	@$(BIN)/python -m sandbox start --profile $(PROFILE) --scale $(SCALE)

sandbox-stop: $(VENV)/run.stamp ## stop the sandbox
	@$(BIN)/python -m sandbox stop

lock: $(VENV)/dev.stamp ## resolve the pinned requirements again
	$(BIN)/pip install --quiet uv
	for name in run dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate requirements/$$name.in -o requirements/$$name.txt; done

clean: ## remove the virtual environment and caches (evidence under runs/ stays)
	rm -rf $(VENV) .ansible .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)"; \
	    echo "HINT:  name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
