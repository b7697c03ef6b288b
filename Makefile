# One word each; CI runs the same words. Every word sets up first, and setting up does nothing the second time.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

# The tests start many processes; each would compile every module again where the environment forbids to keep them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-long test-all check fix schema new-tool lock clients peers bench

help: ## List these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-10s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Make .venv and install the locked requirements

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## Start seven emulated platforms and the gateway, tell a story, serve on
	$(BIN)/retail-gateway demo

dev: setup ## Serve the gateway on emulated platforms, without the story
	$(BIN)/retail-gateway serve --sandbox

# A worker for each core. Two cores have four: they wait a good deal, for PostgreSQL and for time to pass.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(8, max(4, os.cpu_count() or 4)))')

test: setup ## Run the tests
	$(BIN)/pytest -n $(WORKERS)

# The largest families take many minutes each, and run by name: pytest -m event_storm, and so on.
LARGEST := differential or event_storm or crash_matrix or fault_matrix or cache_truth or model

test-long: setup ## Run the long tests but the largest families
	$(BIN)/pytest -n $(WORKERS) -m "long and not ($(LARGEST))"

test-all: test test-long ## Run all tests

check: setup ## Format, lint, types, import contracts, schema, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m scripts.checks

fix: setup ## Format, and repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup ## Print schema.graphql and the printed parts of docs/ anew
	$(BIN)/retail-gateway schema print > schema.graphql.new
	mv schema.graphql.new schema.graphql
	$(BIN)/python -m scripts.upstream_errors
	$(BIN)/python -m scripts.data_protection
	$(BIN)/python -m scripts.coverage

new-tool: setup ## name=foo: a new tool that works, with its sandbox and tests
	$(BIN)/python -m scripts.new_tool "$(name)"

lock: setup ## Compile requirements/*.txt anew (a few minutes)
	scripts/lock.sh

clients: ## Install the npm clients that tests of subscriptions converse with (the tests do it too)
	cd tests/clients && npm ci --ignore-scripts

peers: setup ## Install what the benchmarks compare with: npm packages, aiohttp and DBOS
	cd benchmarks/peers && npm ci --ignore-scripts
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/peers/requirements.txt

bench: setup ## Run the benchmarks (docs/benchmarks.md)
	$(BIN)/python -m benchmarks
