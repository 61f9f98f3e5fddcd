# Each target sets up what it needs by itself, says what it does, and is quick when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
# The first Python that the project supports; `make PYTHON=/path/to/python tour` overrides it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/uv pip install --python $(BIN)/python --quiet
# Files are shared out over two processes, whole, the long ones first; each process has one set of
# real servers.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder
NBVAL := -p no:cacheprovider --nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg
# Quick; their hundreds of small cases are counted apart. Types take long: beside the tests.
HOUSE := tests/house/test_tools.py tests/house/test_rules.py
# What has a plain-Python twin or stands on one.
NO_JIT := tests/unit tests/property tests/golden -k "(kernels or veristore) and not (s3 or objects or experiments or durability or server or bench or 64_mib)"
ARGS ?=
NAME ?= store

.PHONY: help tour test test-all test-quick coverage lab bench warm lock format clean backends

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

tour: $(VENV)/.base backends ## Run the whole story: make tour ARGS="--seed 7 --quick"
	@$(BIN)/veristack tour $(ARGS)

lab: $(VENV)/.base backends ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=. notebooks/00_start.ipynb $(ARGS)

warm: $(VENV)/.base backends ## Fetch models and broker, compile the kernels
	@$(BIN)/veristack warm

bench: $(VENV)/.bench ## Compare with peers: make bench NAME=store
	@$(BIN)/veristack bench $(NAME) $(ARGS)

test: $(VENV)/.dev backends ## Check everything: house, types, tests with and without JIT, notebooks
	@echo "== the house: style, imports, types, rules"
	@$(PYTEST) $(HOUSE)
	@echo "== kernels and store without JIT"
	@VERISTACK_JIT=off NUMBA_DISABLE_JIT=1 $(PYTEST) $(NO_JIT)
	@echo "== everything, and every notebook"
	@$(BIN)/veristack warm >/dev/null
	@$(PYTEST) $(NBVAL) $(HOUSE:%=--ignore %) tests notebooks

test-all: $(VENV)/.dev backends ## The same with large samples, then every exhaustive run
	@VERISTACK_TESTS=thorough $(MAKE) --no-print-directory test
	@echo "== every power cut of the long workload"
	@$(BIN)/veristack crash-sweep --exhaustive
	@echo "== every exhibit of the museum"
	@$(BIN)/veristack museum run --all
	@echo "== a minute of kills"
	@$(BIN)/veristack store torture --seconds 60
	@echo "== the tour"
	@$(BIN)/veristack tour

coverage: $(VENV)/.dev backends ## Count what the tests run, with and without JIT; child processes are not seen
	@$(BIN)/coverage erase
	@VERISTACK_JIT=off NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -q $(NO_JIT)
	@$(BIN)/coverage run -m pytest -q --ignore tests/house tests
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --format=total | sed 's/$$/ % of lines and branches covered/'

test-quick: $(VENV)/.dev ## Only the tests that need no server and kill nothing
	@$(BIN)/python -m pytest -q -m "not backends and not crash and not browser" $(ARGS)

backends: $(VENV)/.base
	@$(BIN)/veristack backends install all

format: $(VENV)/.dev ## Let ruff format and sort
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

# `--no-emit-index-url` keeps the address of whatever registry is in use out of the files.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --quiet pyproject.toml
# Everything is resolved at once, so that what the tests need and what the lab needs agree.
lock: $(VENV)/.base ## Pin every dependency again
	@$(LOCK) --extra dev --extra bench -o tests/requirements-bench.txt
	@$(LOCK) -c tests/requirements-bench.txt --extra dev -o tests/requirements-dev.txt
	@$(LOCK) -c tests/requirements-bench.txt -o binder/requirements.txt

clean: ## Remove the environment and everything generated
	rm -rf $(VENV) report dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or: make PYTHON=/path/to/python"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/.base: binder/requirements.txt pyproject.toml | $(VENV)/.uv
	@echo "Installing the lab and what it needs"
	@$(INSTALL) -r binder/requirements.txt
	@$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: tests/requirements-dev.txt $(VENV)/.base
	@echo "Installing what the tests need"
	@$(INSTALL) -r tests/requirements-dev.txt
	@touch $@

$(VENV)/.bench: tests/requirements-bench.txt $(VENV)/.base
	@echo "Installing the peers to compare with"
	@$(INSTALL) -r tests/requirements-bench.txt
	@touch $@
