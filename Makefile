# Short names for the project's own commands. `make` lists them.

PYTHON ?= python3

.PHONY: help test quick all fuzz lint serve

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: ## run the test suite: at most 10 minutes on 2 cores
	$(PYTHON) -m perflab test

quick: ## run the tests that need no server and no browser: at most a minute
	$(PYTHON) -m perflab test --quick

all: ## run every test, the exhaustive ones too
	$(PYTHON) -m perflab test --all

fuzz: ## send 20,000 hostile requests to a real lab, from a new seed that is printed
	.venv/bin/python -m pytest -n 0 tests/faults/test_fuzz.py --fuzz-requests 10000 --fuzz-seed 0

lint: ## check the style and the types of the Python code, and the templates
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/djlint --quiet templates

serve: ## start the lab
	$(PYTHON) -m perflab
