# Downstream: `make` lists what can be made.

PYTHON ?= python3
PORT ?= 5000
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# Written last, so that it is there only when the whole of .venv is.
STAMP := $(VENV)/.requirements-installed

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all lint bench screenshots clean

help: ## List these targets
	@echo "Targets of the Makefile:"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1@\2/p' Makefile | awk -F@ '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Prepare .venv for running and testing (PYTHON=python3.12 picks the interpreter)
	@:

# Always from an empty folder: nothing of a half-finished attempt or of a dropped requirement stays.
$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Downstream needs Python 3.11 or newer, and '$(PYTHON)' is not: make setup PYTHON=python3.11" >&2; \
		exit 1; }
	@echo "Preparing $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@
	@echo "$(VENV) is ready."

run: setup ## Run a node with a demo farmer (PORT=5001 for another port); Ctrl-C stops both
	$(BIN)/python runapp.py demo --port $(PORT)

test: setup ## Run the tests on SQLite (ARGS="-k uptime -x" goes to pytest)
	$(BIN)/python -m pytest $(ARGS)

test-all: setup ## Run all tests, slow ones too, on SQLite, MariaDB and PostgreSQL (started for it)
	$(BIN)/python tests/servers.py -- $(BIN)/python -m pytest --slow $(ARGS)

lint: setup ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## Print the tables of all benchmarks, with databases started for it (half an hour)
	$(BIN)/python tests/servers.py --durable -- sh -c 'for name in proofs node status collecting measures; do \
		$(BIN)/python -m benchmarks.$$name || exit 1; done'

screenshots: setup ## Take pictures of the dashboard into docs/screenshots (needs chromium)
	PYTHONPATH=.:tests $(BIN)/python tests/screenshots.py docs/screenshots

clean: ## Remove .venv, caches and builds; data/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
