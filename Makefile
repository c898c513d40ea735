# The whole work on the hub, one word each. `make` alone shows the menu.
#
# Paths are relative and quoted where they have to be: the folder's own path may contain a space.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
# The same seed shuffles the tests and starts hypothesis: `make test SEED=1234` repeats a run.
SEED := $(or $(SEED),$(shell date +%s))
PYTEST := $(PYTHON) -m pytest --randomly-seed=$(SEED) --hypothesis-seed=$(SEED)
# Where test-servers goes unless the caller says otherwise.
LOCAL_DATABASE := postgresql+psycopg://$(shell id -un)@127.0.0.1:5432/postgres
LOCAL_BROKER := amqp://guest:guest@127.0.0.1:5672//

.PHONY: help setup demo run test test-deep test-servers check format bench docs migration lock clean

help: ## this menu
	@echo "The payment hub. Two commands to see it work: make setup && make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/installed ## make .venv and install the pinned packages (again only when they changed)

# Python 3.11 or later, by the first name that is one. Debian's python3 comes without ensurepip: then the pip of
# that Python fills the new environment from outside.
.venv/installed: requirements.txt
	@for name in python3.11 python3 python3.12 python3.13 python; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then base="$$name"; break; fi; \
	done; \
	if [ -z "$${base:-}" ]; then echo "Python 3.11 or later is needed" >&2; exit 1; fi; \
	if ! $(PYTHON) -c '' 2>/dev/null; then \
	  "$$base" -m venv --clear .venv >/dev/null || "$$base" -m venv --clear --without-pip .venv; \
	fi; \
	if $(PYTHON) -m pip --version >/dev/null 2>&1; then pip=("$(PYTHON)" -m pip); \
	else pip=("$$base" -m pip --python "$(PYTHON)"); fi; \
	"$${pip[@]}" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

demo: setup ## take payments once around the whole circle, and show what the night finds
	@$(PYTHON) -m payment_hub.embedded demo

run: setup ## start the whole hub here; Ctrl-C stops it
	@$(PYTHON) -m payment_hub.embedded run

test: setup ## the tests, on two cores
	@echo "seed $(SEED)"
	@$(PYTEST) -n 2 -q -m "not deep"

test-deep: setup ## all tests, with long random histories, and the coverage
	@echo "seed $(SEED)"
	@HYPOTHESIS_PROFILE=deep $(PYTEST) -n 2 -q --cov --cov-report=term-missing:skip-covered
	@$(PYTHON) -m coverage report --include='payment_hub/domain/*,reconciliation/domain/*' --fail-under=100 | tail -1

test-servers: setup ## store, races, crashes and journeys on HUB_DATABASE_URL and HUB_BROKER_URL (default: this machine's)
	@export HUB_TEST_DATABASE_URL="$${HUB_DATABASE_URL:-$(LOCAL_DATABASE)}"; \
	export HUB_TEST_BROKER_URL="$${HUB_BROKER_URL:-$(LOCAL_BROKER)}"; \
	echo "seed $(SEED), on $$(sed 's,//[^@/]*@,//,' <<< "$$HUB_TEST_DATABASE_URL and $$HUB_TEST_BROKER_URL")"; \
	$(PYTEST) -n 2 -q -m "not deep" tests/store tests/operations tests/reconciliation tests/races tests/crashes tests/journeys

check: setup ## format, lint, types, import contracts, the laws of the house
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy --strict .
	@.venv/bin/lint-imports
	@$(PYTEST) -q tests/house

format: setup ## lay out the code and mend what can be mended
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

bench: setup ## measure; the figures go to benchmarks/README.md by hand
	@$(PYTHON) -m benchmarks

docs: setup ## write the generated pages anew
	@$(PYTHON) -m docs

migration: setup ## draft a migration from the tables: make migration NAME=add_refund
	@$(PYTHON) -m payment_hub.embedded migration "$(NAME)"

lock: ## pin the packages of pyproject.toml in requirements.txt (needs uv)
	@sed -n '/^#/p; /^[^#]/q' requirements.txt > requirements.new
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra tools \
	  pyproject.toml >> requirements.new
	@mv requirements.new requirements.txt

clean: ## remove .venv and everything that can be made again
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
