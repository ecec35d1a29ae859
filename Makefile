# One line of what, one line of work. `make` alone lists the targets.

SHELL := /bin/bash
BIN := .venv/bin
# The first interpreter that is new enough; give another with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help venv run test unit conformance-kubectl soak museum lint check proto bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/.installed  ## make .venv with the programs and the tools that check them

.venv/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "mini-kube needs Python 3.11 or newer" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m compileall -q -x '/\.' .  # as fast where Python writes no bytecode
	@touch $@

run: venv  ## start a cluster and open a shell in the pod nginx
	@$(BIN)/mini-kube run

test: venv  ## run the whole suite; JOBS=3: several files at once
	@$(BIN)/pytest -q $(if $(JOBS),-n $(JOBS) --dist loadfile) $(ARGS)

unit: venv  ## run the tests that need no sockets
	@$(BIN)/pytest -q tests/unit $(ARGS)

conformance-kubectl: venv  ## run the streams of all real kubectls, and print the table
	@MINI_KUBE_KUBECTLS=all $(BIN)/pytest -q tests/conformance/test_streaming_matrix.py $(ARGS)

soak: venv  ## the long runs: 1 GiB each way, 10,000 sessions, 10,000 random faults
	MINI_KUBE_BIG_MIB=1024 MINI_KUBE_SESSIONS=10000 $(BIN)/pytest -q \
		tests/e2e/test_transfers.py tests/e2e/test_leaks.py \
		tests/conformance/test_copies_of_much.py $(ARGS)
	$(BIN)/python -m tests.soak --runs 10000

museum: venv  ## show every known trouble, and write docs/museum/ of it
	$(BIN)/mini-kube reproduce --pages docs/museum

lint: venv  ## format, lint, import layers, strict types, fresh stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/python -m rpc.generate --check

check: lint unit  ## lint and the unit tests: before every commit

proto: venv  ## compile proto/ into rpc/
	$(BIN)/python -m rpc.generate

bench: venv  ## measure, and print the table
	@$(BIN)/python -m bench $(ARGS)

clean:  ## remove .venv and all caches
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
