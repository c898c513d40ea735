# Every command for the hub. `make` alone lists them.
#
# Paths are relative and quoted where they have to be: the folder's own path may contain a space.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
# The same seed shuffles the tests and starts hypothesis: `make test SEED=1234` repeats a run.
SEED := $(or $(SEED),$(shell date +%s))
PYTEST := $(PYTHON) -m pytest --randomly-seed=$(SEED) --hypothesis-seed=$(SEED)
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
  --fork-strategy fewest --generate-hashes
# Where test-servers goes unless the caller says otherwise.
LOCAL_DATABASE := postgresql+psycopg://$(shell id -un)@127.0.0.1:5432/postgres
LOCAL_BROKER := amqp://guest:guest@127.0.0.1:5672//

.PHONY: help setup setup-runtime python-gone demo run test test-deep test-servers check format bench docs migration lock clean

help: ## this list
	@echo "The payment hub. Two commands to see it work: make setup && make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/installed ## make .venv with all pinned packages, tests and tools too (again only when they changed)

setup-runtime: .venv/runtime ## make .venv with only what a running hub needs

# The lock is complete, so there is nothing to resolve: --no-deps. A resolver would read what the packages require of
# each other, and the pip of Python 3.11.0 to 3.11.7 then refuses `coverage[toml]>=7` although coverage is pinned, as soon as
# a newer coverage is published. --only-binary: an archive of sources would be built with packages that nobody pinned.
# --no-compile: Python compiles what it imports, and most modules never are.
define INSTALL
@if ! $(PYTHON) -c '' 2>/dev/null; then $(FIND_BASE); $(MAKE_ENVIRONMENT); fi; \
if $(PYTHON) -c 'import pip' 2>/dev/null; then pip=($(PYTHON) -m pip); \
else $(FIND_BASE); pip=("$$base" -m pip --python $(PYTHON)); fi; \
"$${pip[@]}" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --no-compile \
  -r $<
@touch $@
endef

# The first of these names that is a Python for which every locked package has a wheel.
FIND_BASE = for name in python3.11 python3 python3.12 python3.13 python3.14 python; do \
    if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then base="$$name"; break; fi; \
  done; \
  if [ -z "$${base:-}" ]; then echo "Python 3.11, 3.12, 3.13 or 3.14 is needed" >&2; exit 1; fi

# Debian's python3 comes without ensurepip: then the pip of that Python fills the new environment from outside.
MAKE_ENVIRONMENT = "$$base" -m venv --clear .venv >/dev/null || "$$base" -m venv --clear --without-pip .venv

# A Python that was removed or replaced takes its environment with it, whatever the stamps say.
.venv/runtime: requirements-runtime.txt $(if $(shell { $(PYTHON) -c '' && echo works; } 2>/dev/null),,python-gone)
	$(INSTALL)

# The rest comes on top of the runtime set, whose pins are the same: one .venv serves both.
.venv/installed: requirements.txt .venv/runtime
	$(INSTALL)

python-gone:

demo: setup-runtime ## some payments from order to reconciliation, with what the night finds
	@$(PYTHON) -m payment_hub.embedded demo

run: setup-runtime ## start the whole hub here; Ctrl-C stops it
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

check: setup ## format, lint, types, import contracts, rules: under a minute
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy --strict .
	@.venv/bin/lint-imports
	@$(PYTEST) -n 2 -q -m "not deep" tests/rules

format: setup ## lay out the code, and correct what ruff can correct
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

bench: setup ## measure; the figures go to benchmarks/README.md by hand
	@$(PYTHON) -m benchmarks

docs: setup ## write the generated pages anew
	@$(PYTHON) -m docs

migration: setup ## draft a migration from the tables: make migration NAME=add_refund
	@$(PYTHON) -m payment_hub.embedded migration "$(NAME)"

# The second file is the first one's part: every pin in it is constrained to be the same. Pins that still fit stay.
lock: setup ## pin the packages of pyproject.toml (all to their newest: make lock UPGRADE=--upgrade)
	@$(COMPILE) $(UPGRADE) --extra tools --output-file requirements.txt pyproject.toml
	@$(COMPILE) --constraint requirements.txt --output-file requirements-runtime.txt pyproject.toml

clean: ## remove .venv and everything that can be made again
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
