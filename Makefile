# Everything a person or CI does here, by one word. `make help` lists it.
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
PY := $(VENV)/bin/python
BIN := $(VENV)/bin

.PHONY: help setup setup-dev bubblewrap browser gh demo test lint test-slow contract replay-real bench-engine bench-localhub lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Branchwork needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) has no venv: sudo apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements/runtime.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(PY) -m pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.runtime bubblewrap ## a virtual environment with the runtime's pinned packages, and bubblewrap

setup-dev: $(VENV)/.dev bubblewrap ## the same with everything that the tests need

bubblewrap:
	@tools/need bwrap bubblewrap

browser:
	@tools/need chromium chromium

gh:
	@tools/need gh gh

demo: setup ## a labelled issue becomes merged pull requests on this machine (ARGS="--keep", "--hands-on", "--json")
	@$(BIN)/branchwork demo $(ARGS)

test: setup-dev browser lint ## every test, in under ten minutes on two cores
	$(PY) -m pytest -m "not slow" -n 3 --dist loadgroup -q $(ARGS)

lint: $(VENV)/.dev ## style, types and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests/bench
	$(BIN)/lint-imports

test-slow: setup-dev browser gh ## what needs other ecosystems or more than a minute
	$(PY) -m pytest -m slow -n 2 --dist loadgroup -q $(ARGS)

contract: setup-dev ## plays every call that localhub serves, judges it by GitHub's description and writes localhub/CONTRACT.md
	CONTRACT=write $(PY) -m pytest tests/localhub/contract -q $(ARGS)

replay-real: setup ## two releases of a real package, from the package index, through the whole loop
	$(PY) -m bot.demo.replay_real $(ARGS)

bench-engine: setup-dev ## events a second and latency of the durable loop
	$(PY) -m tests.bench.engine $(ARGS)

bench-localhub: setup-dev ## localhub beside npm's emulate; nothing lost; no growth (ARGS="--quick", "--json")
	$(PY) -m tests.bench.localhub $(ARGS)

lock: $(VENV)/.dev ## pins every package anew; the locks name no index
	$(BIN)/uv pip compile -q pyproject.toml --python-version 3.11 --no-emit-index-url --no-header --upgrade -o requirements/runtime.txt
	$(BIN)/uv pip compile -q pyproject.toml --python-version 3.11 --extra dev --no-emit-index-url --no-header -c requirements/runtime.txt -o requirements/dev.txt

clean: ## removes the virtual environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
