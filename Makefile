# Service Desk: everything a newcomer or a developer types. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
LINTS := lint-types lint-words lint-pages lint-floors lint-style
.PHONY: help run test lint $(LINTS) format bench lock clean runtime development browser

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
endif

VENV := .venv
# Always `python -m tool`: a tool's own script names its interpreter by path and breaks when the folder moves.
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
UV_COMPILE := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate

help: ## this list
	@echo "Service Desk"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "Settings come from the environment or .env: see .env.example."

run: runtime ## start the desk on http://127.0.0.1:8000 (HOST, PORT, DATABASE_URL, DEMO=0 …)
	@exec "$(PY)" -m service_desk

test: development browser ## run all tests (ARGS='tests/rules -k fault' for some of them)
	@"$(PY)" -m pytest $(ARGS)

# Two at a time, the longest first.
lint: development ## style, types, floors, templates, translations
	@$(MAKE) --no-print-directory -j2 $(LINTS)

lint-types:
	@"$(PY)" -m mypy

lint-words:
	@"$(PY)" -m pytest -q -n0 tests/house/test_translations.py

lint-pages:
	@"$(PY)" -m djlint templates --lint --quiet

lint-floors:
	@"$(PY)" tools/lint_imports.py

lint-style:
	@"$(PY)" -m ruff check .
	@"$(PY)" -m ruff format --check .

format: development ## put the code into shape
	@"$(PY)" -m ruff check --fix .
	@"$(PY)" -m ruff format .

bench: development ## measure, each beside the bare library doing the same work
	@"$(PY)" -m benchmarks.run

lock: development ## compile requirements*.in into requirements*.txt (UPGRADE=1: newest allowed)
	@$(UV_COMPILE) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	@$(UV_COMPILE) $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.txt

clean: ## remove what was made, but never instance/ with its data
	@rm -rf "$(VENV)" .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "Service Desk needs Python 3.11 or newer. Install it, or name it: make run PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "$(PYTHON) is not Python 3.11 or newer. Name another: make run PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" -m venv --clear "$(VENV)" \
		|| { rm -rf "$(VENV)"; echo "Could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# The installed copy of the lock file is the stamp: a fresh checkout with the same content installs nothing.
runtime: $(PY)
	@cmp -s requirements.txt "$(VENV)/requirements.txt" || { \
		echo "Installing what the desk needs into $(VENV) …"; \
		$(PIP_INSTALL) -r requirements.txt && cp requirements.txt "$(VENV)/requirements.txt"; }

development: $(PY)
	@cmp -s requirements-dev.txt "$(VENV)/requirements-dev.txt" || { \
		echo "Installing what tests and checks need into $(VENV) …"; \
		$(PIP_INSTALL) -r requirements-dev.txt && cp requirements-dev.txt "$(VENV)/requirements-dev.txt" \
		&& cp requirements.txt "$(VENV)/requirements.txt"; }

browser:
	@sh tools/install_browser.sh
