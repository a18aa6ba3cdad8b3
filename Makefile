# make demo   the whole job on the embedded sandbox
# make test   linters, type checker, unit, browser and integration tests, Molecule scenarios
# make help   everything else

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= target
SCALE ?= 1
# How many tests run at once: they wait more than they work.
WORKERS ?= 3
# Major version of the server that the tests use, where it is not the embedded one.
POSTGRES ?=
# Random interruptions of `make faults`, for each of the two ways to the host, and their seed.
INTERRUPTIONS ?= 100
SEED ?= 1
# Of `make try`: how many migrations are judged, a file of SQL that makes rows before them, and a dump
# in the place of both.
LAST ?=
ROWS ?=
DUMP ?=
# A runbook with checks of your own, as a draft has begun it.
RUNBOOK ?=
# A YAML file of variables that an inventory would have, such as gonogo_own_checks.
VARS ?=
# The migration tool, where the folder may be of several.
TOOL ?=
INTEGRATION := $(BIN)/pytest -n $(WORKERS) --dist worksteal $(addprefix --postgres ,$(POSTGRES))
# Seconds that a test of the long targets may take.
LONG := --timeout 7200
# Tests of runs that are cut, below tests/integration.
CUT := faults hosts rehearsal/test_rehearsal.py run/test_run.py security/test_forgery.py \
  $(addprefix deploy/test_,deploy.py deploy_run.py) \
  $(addprefix restore/test_,restore.py restore_approval.py restored.py)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo try test lint types unit browser integration attacks faults molecule matrix servers \
  docs bench sabotage fleet count collection sandbox sandbox-stop lock clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/run.stamp ## install what a run needs into .venv

demo: $(VENV)/sandbox.stamp ## run everything on an embedded PostgreSQL (PROFILE=target|as_deployed, SCALE=n)
	@$(BIN)/python -m sandbox demo --profile $(PROFILE) --scale $(SCALE)

try: $(VENV)/sandbox.stamp ## judge the last migrations of a folder on an embedded server (MIGRATIONS=folder LAST=n ROWS=file DUMP=file)
	@test -n '$(MIGRATIONS)' || \
	  { echo 'Name the folder of the migrations: make try MIGRATIONS=../app/migrations' >&2; exit 1; }
	@$(BIN)/python -m tools.trial $(addprefix --rows ,$(ROWS)) $(addprefix --dump ,$(DUMP)) \
	  $(addprefix --last ,$(LAST)) $(addprefix --runbook ,$(RUNBOOK)) \
	  $(addprefix --tool ,$(TOOL)) $(addprefix --vars ,$(VARS)) $(MIGRATIONS)

test: lint types unit browser integration molecule ## run all tests

lint: $(VENV)/dev.stamp ## run ruff, yamllint and ansible-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline --strict

types: $(VENV)/dev.stamp ## run the type checker
	$(BIN)/mypy

unit: $(VENV)/dev.stamp ## run the tests that need no server
	$(BIN)/pytest -n $(WORKERS) tests/unit

browser: $(VENV)/dev.stamp ## run the tests of the HTML pages in Chromium, which root gets from the distribution
	@$(BIN)/python -m tests.browser
	$(BIN)/pytest --no-fold-skipped tests/browser

integration: $(VENV)/dev.stamp servers ## run the tests on the embedded PostgreSQL
	$(INTEGRATION) tests/integration

attacks: $(VENV)/dev.stamp servers ## run all tests of which the others are a sample (POSTGRES=18)
	$(INTEGRATION) $(LONG) tests -m attack

faults: $(VENV)/dev.stamp servers ## run all tests of runs that are cut, write docs/faults.md (POSTGRES=18)
	$(INTEGRATION) $(LONG) -m '' --interruptions $(INTERRUPTIONS) --interruption-seed $(SEED) \
	  $(addprefix tests/integration/,$(CUT))
	@$(BIN)/python -m tests.pages

molecule: $(VENV)/dev.stamp ## run the Molecule scenarios (SCENARIO=name for some of them)
	@$(BIN)/python -m tests.molecule --jobs $(WORKERS) $(SCENARIO)

matrix: $(VENV)/sandbox.stamp ## run everything on all versions, write docs/versions.md (CELLS=pg18,py3.13)
	@$(BIN)/python -m tools.matrix run $(addprefix --cells ,$(CELLS))

servers: $(VENV)/sandbox.stamp ## get the servers that the tests use beside the embedded ones, and the migration tools
	@$(BIN)/python -m tools.matrix servers --optional
	@$(BIN)/python -m tests.sshd
	@$(BIN)/python -m tests.migration_tools

sabotage: $(VENV)/dev.stamp ## break copies of the database and see what the gate says, write docs/sabotage.md (ONLY=word)
	@$(BIN)/python -m tools.sabotage run $(addprefix --only ,$(ONLY))

fleet: $(VENV)/sandbox.stamp ## judge fifty databases in one run, many of them broken, write docs/fleet.md
	@$(BIN)/python -m tools.fleet

docs: $(VENV)/dev.stamp ## take the pictures of docs/pictures again, and write the pages that tests stand behind
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.browser.pictures
	@$(BIN)/python -m tests.pages

bench: $(VENV)/sandbox.stamp ## measure a run against the work by hand, write docs/benchmarks.md (BENCH=--check)
	@$(BIN)/python -m tools.bench $(BENCH)

collection: $(VENV)/sandbox.stamp ## build the Ansible collection into dist/
	@$(BIN)/python -m tools.collection

count: $(VENV)/dev.stamp ## count the files to be edited for an option, a stage and the like (COUNT=--files)
	@$(BIN)/python -m tools.count $(COUNT)

sandbox: $(VENV)/sandbox.stamp ## start the sandbox and print how to connect
	@$(BIN)/python -m sandbox start --profile $(PROFILE) --scale $(SCALE)

sandbox-stop: $(VENV)/sandbox.stamp ## stop the sandbox
	@$(BIN)/python -m sandbox stop

lock: $(VENV)/dev.stamp ## resolve the pinned requirements again
	$(BIN)/pip install --quiet uv
	for name in run sandbox dev migration_programs; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate requirements/$$name.in -o requirements/$$name.txt; done
	# The same versions for the matrix, but for ansible-core.
	for pair in 2.19:3.11 2.21:3.12; do core=controllers/$${pair%:*}; \
	  cp requirements/sandbox.txt requirements/$$core.txt; \
	  $(BIN)/uv pip compile --quiet --universal --python-version $${pair#*:} \
	  --generate-hashes --no-header --no-annotate requirements/$$core.in -o requirements/$$core.txt; done

clean: ## remove the virtual environment and caches (evidence under runs/ stays)
	rm -rf $(VENV) .ansible .cache .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)"; \
	    echo "HINT:  name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
