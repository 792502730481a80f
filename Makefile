# `make demo` and `make test` are the two commands of the README; `make help` lists the rest.
# Only git, make and Python 3.11 or newer have to be there: .venv is made by the first target used.

ifndef PYTHON
PYTHON := $(shell for v in 3 3.14 3.13 3.12 3.11; do \
	python$$v -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && \
	command -v python$$v && break; done)
endif
BIN := .venv/bin

# Compiled modules make a cold `gate check` several times faster.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env demo test check format bench cluster cluster-build engine image node-tools lint-tools calendar docs lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

env: ## make .venv where it is missing or out of date
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) scripts/environment.py

demo: env ## decide a Saturday and a Tuesday on an example calendar, with a real PostgreSQL
	@$(BIN)/python scripts/demo.py

test: env ## every tier this machine can run; GATE_REQUIRE=all fails on what it cannot; ARGS="…" for pytest
	@$(BIN)/python scripts/run_tests.py $(ARGS)

check: env ## lint, format, types, layers, migrations
	@$(BIN)/python scripts/check.py

format: env ## let ruff write
	@$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format .

bench: env ## run benchmarks/*.py, one after the other
	@set -e; for each in benchmarks/bench_*.py; do \
		test -e "$$each" || { echo "no benchmarks here"; break; }; \
		echo "== $$each"; $(BIN)/python "$$each"; done

cluster: env ## a real Kubernetes control plane in the foreground; ARGS="--help" says what it can
	@$(BIN)/python scripts/cluster.py $(ARGS)

cluster-build: env ## build its programs, once: needs Go, seven minutes, then nothing
	@$(BIN)/python scripts/cluster.py --build-only

node-tools: env ## the npm packages that tests use, once: needs Node.js, ten seconds, then nothing
	@$(BIN)/python scripts/node_tools.py

lint-tools: env ## build actionlint, once: needs Go
	@$(BIN)/python scripts/lint_tools.py

engine: env ## a Docker engine, started as root where none answers, and the images' base; ARGS="stop" ends it
	@$(BIN)/python scripts/docker_engine.py $(or $(ARGS),start)

image: env ## build the Action's image and the servers', where something changed
	@$(BIN)/python scripts/docker_engine.py $(or $(ARGS),build)

calendar: env ## write examples/calendar.csv again
	@$(BIN)/python examples/generate_calendar.py --out examples/calendar.csv

docs: env ## write docs/reference/commands.md again, and the outputs that the pages show
	@$(BIN)/python scripts/command_reference.py
	@$(BIN)/python scripts/show_outputs.py

lock: ## write requirements/lock.txt again (KEEP=1: only what pyproject.toml newly asks for)
	@$(PYTHON) scripts/lock.py $(if $(KEEP),--keep)

clean: ## remove what the other targets made, .venv included
	@rm -rf .venv .demo .cluster .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
