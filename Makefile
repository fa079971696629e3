# Short names for the project's own commands. `make` lists them.

PYTHON ?= python3

.PHONY: help test quick all fuzz soak lint lock serve

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: ## run the test suite: at most 10 minutes on 2 cores
	$(PYTHON) -m perflab test

quick: ## run the tests that need no server and no browser: at most a minute
	$(PYTHON) -m perflab test --quick

all: ## run every test, the exhaustive ones too
	$(PYTHON) -m perflab test --all

fuzz: ## send 20,000 hostile requests to a real lab, from a new seed that is printed
	.venv/bin/python -m pytest -n 0 tests/faults/test_fuzz.py --fuzz-requests 2500 --fuzz-seed 0

MINUTES ?= 20
soak: ## ask for all pages for MINUTES=20 on each database: memory, files and disk stay flat
	.venv/bin/python -m pytest -n 0 tests/faults/test_soak.py --soak-minutes $(MINUTES)

lint: ## check the style and the types of the Python code, and the templates
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/djlint --quiet templates

# Every package for each Python and system, as wheels, with their hashes. What is locked already stays
# as it is, if it can: `make lock UPGRADE=--upgrade` takes the newest of what we do not pin.
LOCK = .venv/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 \
	--generate-hashes --only-binary :all: --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'

lock: ## write the lock files anew, from requirements.txt and requirements-dev.txt
	$(LOCK) requirements.txt --output-file requirements.lock
	$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock

serve: ## start the lab
	$(PYTHON) -m perflab
