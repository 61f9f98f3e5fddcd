# Each target sets up what it needs by itself, says what it does, and is quick when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
# The first Python that the project supports; `make PYTHON=/path/to/python tour` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
# S3 clients of other projects need another botocore than the tests do.
CLIENTS := .venv-clients
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

.PHONY: help tour test test-all test-quick coverage mutants lab bench book warm lock lock-check format clean backends

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

tour: $(VENV)/.base backends ## Run the whole story: make tour ARGS="--seed 7 --quick"
	@$(BIN)/veristack tour $(ARGS)

lab: $(VENV)/.base backends ## Open your copies of the notebooks, in my-notebooks, in JupyterLab
	@$(BIN)/veristack notebooks copy
	@$(BIN)/jupyter lab --notebook-dir=my-notebooks my-notebooks/00_start.ipynb $(ARGS)

warm: $(VENV)/.base backends ## Fetch models and broker, compile the kernels
	@$(BIN)/veristack warm

book: $(VENV)/.book ## Make a site of notebooks, labs and API: make book ARGS="--out DIR"
	@$(BIN)/veristack book $(ARGS)

bench: $(VENV)/.bench ## Compare with peers: make bench NAME=store
	@$(BIN)/veristack bench $(NAME) $(ARGS)

test: $(VENV)/.dev $(VENV)/.book backends ## Check everything: house, types, tests with and without JIT, notebooks
	@echo "== the house: style, imports, types, rules"
	@$(PYTEST) $(HOUSE)
	@echo "== kernels and store without JIT"
	@VERISTACK_JIT=off NUMBA_DISABLE_JIT=1 $(PYTEST) $(NO_JIT)
	@echo "== everything, and every notebook"
	@$(BIN)/veristack warm >/dev/null
	@$(PYTEST) $(NBVAL) $(HOUSE:%=--ignore %) tests notebooks

test-all: $(VENV)/.dev $(VENV)/.clients backends ## The same with large samples, then every exhaustive run
	@VERISTACK_TESTS=thorough VERISTACK_S3FS_PYTHON="$(CURDIR)/$(CLIENTS)/bin/python" \
		VERISTACK_AWS_CLI="$(CURDIR)/$(CLIENTS)/bin/aws" $(MAKE) --no-print-directory test
	@echo "== the S3 face under pyarrow and minio, which live in that environment too"
	@$(CLIENTS)/bin/python -m pytest -q -p no:cacheprovider -k "pyarrow or minio" tests/backends/test_s3_clients.py
	@echo "== every power cut of the long workload"
	@$(BIN)/veristack crash-sweep --exhaustive
	@echo "== every exhibit of the museum"
	@$(BIN)/veristack museum run --all
	@echo "== a minute of kills"
	@$(BIN)/veristack store torture --seconds 60
	@echo "== the whole book"
	@$(BIN)/veristack book
	@echo "== the tour"
	@$(BIN)/veristack tour

mutants: $(VENV)/.dev backends ## Break critical lines one by one; each must be noticed by a test
	@$(BIN)/python -m tests.mutants $(ARGS)

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
COMPILE := $(BIN)/uv pip compile --no-header --no-annotate --no-emit-index-url --quiet
LOCK := $(COMPILE) --universal --python-version 3.11 pyproject.toml
PINNED := binder/requirements.txt $(foreach kind,dev bench book clients,tests/requirements-$(kind).txt)
# Everything is resolved at once, so that what the tests need and what the lab needs agree.
lock: $(VENV)/.base ## Pin every dependency again
	@$(LOCK) --extra dev --extra bench -o tests/requirements-bench.txt
	@$(LOCK) -c tests/requirements-bench.txt --extra dev -o tests/requirements-dev.txt
	@$(LOCK) -c tests/requirements-bench.txt --extra book -o tests/requirements-book.txt
	@$(LOCK) -c tests/requirements-bench.txt -o binder/requirements.txt
	@$(LOCK) -c binder/requirements.txt --extra clients -o tests/requirements-clients.txt

lock-check: $(VENV)/.uv ## Ask the registry whether the pins resolve, as wheels, on each Python
	@for file in $(PINNED); do for python in 3.11 3.12 3.13 3.14; do \
		$(COMPILE) --only-binary :all: --python-version $$python --python-platform x86_64-manylinux_2_28 \
			$$file >/dev/null || { echo "$$file does not resolve on Python $$python"; exit 1; }; \
		echo "$$file resolves on Python $$python"; \
	done; done

clean: ## Remove the environment and everything generated
	rm -rf $(VENV) $(CLIENTS) report site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.14 found. Install one, or: make PYTHON=/path/to/python"; exit 1; }
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

$(VENV)/.book: tests/requirements-book.txt $(VENV)/.base
	@echo "Installing what makes the book"
	@$(INSTALL) -r tests/requirements-book.txt
	@touch $@

$(VENV)/.bench: tests/requirements-bench.txt $(VENV)/.base
	@echo "Installing the peers to compare with"
	@$(INSTALL) -r tests/requirements-bench.txt
	@touch $@

$(VENV)/.clients: tests/requirements-clients.txt | $(VENV)/.uv
	@echo "Installing S3 clients of other projects into $(CLIENTS)"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(CLIENTS)
	@$(BIN)/uv pip install --python $(CLIENTS)/bin/python --quiet -r tests/requirements-clients.txt
	@touch $@
