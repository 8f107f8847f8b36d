PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

FAST := not slow and not packaging and not faults
SLOW := slow or packaging

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test lint reference check wheel lock format bench faults test-lowest test-pythons clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## Make .venv with everything that development needs (PYTHON=… chooses the interpreter)

demo: $(VENV)/.runtime ## Install what running needs and run the demo in demo_run/
	@rm -rf demo_run
	$(BIN)/osiris demo demo_run

test: $(VENV)/.dev ## Run the fast tests, then the slow ones (ARGS=… goes to pytest)
	$(BIN)/pytest -m "$(FAST)" --junit-xml=reports/fast.xml $(ARGS)
	$(BIN)/pytest -m "$(SLOW)" --junit-xml=reports/slow.xml $(ARGS)

reference: $(VENV)/.dev ## Write the generated docs and schemas anew
	$(BIN)/python tools/generate_reference.py

lint: $(VENV)/.dev ## Check style, format, types, import layers and architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/architecture

check: lint test ## Run what CI runs: lint, test, and no unexpected skip
	$(BIN)/python tools/check_skips.py tools/allowed_skips.txt reports/fast.xml reports/slow.xml

wheel: $(VENV)/.dev ## Build the wheel into dist/
	@rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation

lock: $(VENV)/.dev ## Pin the dependencies anew in requirements/*.txt (ARGS=--upgrade takes the newest)
	$(LOCK) $(ARGS) pyproject.toml -o requirements/runtime.txt
	$(LOCK) $(ARGS) requirements/build.in -o requirements/build.txt
	$(LOCK) $(ARGS) pyproject.toml --extra all requirements/dev.in \
		-c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
	$(LOCK) $(ARGS) pyproject.toml --extra all requirements/build.in requirements/test.in \
		--resolution lowest-direct -o requirements/lowest.txt

format: $(VENV)/.dev ## Mend what ruff can mend, and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## Run the benchmarks (ARGS=… goes to them)
	$(BIN)/python -m benchmarks $(ARGS)

faults: $(VENV)/.dev ## Run every fault-injection test
	$(BIN)/pytest -m faults $(ARGS)

test-lowest: .venv-lowest/.done ## Run the fast tests with the oldest dependencies that pyproject.toml allows
	.venv-lowest/bin/pytest -m "$(FAST)" $(ARGS)

test-pythons: ## Run `make test` under every Python >= 3.11 that is found
	@for python in $$($(PYTHON) tools/interpreters.py); do \
		echo "== $$python"; \
		$(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$(basename $$python) || exit 1; \
	done

clean: ## Remove all that make has made, the environments too
	rm -rf .venv .venv-* dist reports demo_run .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

define create_venv
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Osiris needs Python 3.11 or newer, \
	this is " + sys.version.split()[0] + ". Name another one: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(1)
endef

# The backend comes from the lock, so pip must not fetch another one of its own.
define install_osiris
	$(1)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
endef

# A stamp is touched last, so an interrupted installation is repeated.
$(VENV)/.runtime: pyproject.toml requirements/runtime.txt requirements/build.txt
	$(call create_venv,$(VENV))
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(call install_osiris,$(VENV))
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv-lowest/.done: pyproject.toml requirements/lowest.txt
	$(call create_venv,.venv-lowest)
	.venv-lowest/bin/python $(PIP_INSTALL) --require-hashes -r requirements/lowest.txt
	$(call install_osiris,.venv-lowest)
	@touch $@
