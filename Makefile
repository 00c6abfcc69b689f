# Everything a person does with Tandem, from a clone. `make` or `make help` lists it.
#
# What set-up makes stays in the repository's folder: .venv/ (Python packages and Node), typings/ (MicroPython's stubs),
# host_tools/tandem_tools/bench/engine/node_modules/ (the emulator) and build/ (everything made from the sources).
# Each step leaves a stamp beside what it made, so that a second run does nothing.

PYTHON ?= python3.11
PORT ?=
TESTS ?=
WORKERS ?= 2
ID ?=
STAND ?= emulated
FOUND ?=

VENV := .venv
BIN := $(VENV)/bin
ENGINE := host_tools/tandem_tools/bench/engine
LABGRID := .venv-labgrid
LABGRID_STAMP := $(LABGRID)/project.stamp
PACKAGES_STAMP := $(VENV)/packages.stamp
PROJECT_STAMP := $(VENV)/project.stamp
STUBS_STAMP := typings/.stamp
ENGINE_STAMP := $(ENGINE)/node_modules/.stamp

# pip is told to leave the user's own files alone; -qq keeps remarks about other indexes of this machine off the screen.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
LABGRID_PIP := $(LABGRID)/bin/python -m pip install -qq --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup image demo picture emulate flash test nightly hil seeded labgrid mutants numbers trace inspected pages lint types format lock clean distclean

help: ## List what can be made
	@echo "Tandem: make TARGET"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PROJECT_STAMP) $(ENGINE_STAMP) $(STUBS_STAMP) ## Make the environment under this folder (once)

image: setup ## Build the real MicroPython image for the Pico, and the unix port for tests (once)
	@$(BIN)/tandem image build

demo: setup ## Deliver the published session on an emulated Pico; report in build/demo/
	@$(BIN)/tandem demo

picture: demo ## Draw the README's timing diagram anew, from a run of the demo
	@cp build/demo/timing.svg docs/timing.svg

emulate: setup ## Run an emulated Pico on a serial port that mpremote can open, until Ctrl-C
	@$(BIN)/tandem emulate

flash: setup ## Put Tandem on the board: make flash [PORT=/dev/ttyACM0]
	@$(BIN)/tandem flash $(if $(PORT),--port $(PORT))

test: setup ## Run all tests and print the measured figures: make test [TESTS="path -k word"] [WORKERS=2]
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

labgrid: image $(LABGRID_STAMP) ## Two emulated stands behind labgrid, runs in parallel, one killed (docs/labgrid.md)
	@$(BIN)/pyright --warnings --project hil_tests/labgrid
	@$(LABGRID)/bin/python -m pytest -s hil_tests/labgrid/two_stands.py

nightly: setup ## Run the tests of a stand and compare its figures with earlier nights: make nightly [STAND=emulated]
	@$(BIN)/tandem nightly --stand $(STAND) --state build/nightly

hil: setup ## Run the tests of a stand, emulated unless told: make hil [STAND=emulated] [TESTS=hil_tests/test_hil_pairs.py]
	@$(BIN)/python -m pytest $(if $(TESTS),$(TESTS),hil_tests) --stand=$(STAND)

seeded: setup ## Put four faults into the firmware and see that a night on the emulated stand names each (8 min)
	@$(BIN)/python -m pytest -n $(WORKERS) hil_tests/seeded_faults.py

mutants: setup ## Change the safety layer in 1,900 small ways and see that a test notices each: make mutants [WORKERS=2]
	@$(BIN)/python -m tandem_tools.mutants $(WORKERS)

numbers: setup ## Write docs/numbers.md and the README's table from the figures of the last test run
	@$(BIN)/python -m tandem_tools.report.numbers

trace: setup ## Write docs/trace.md, hazards to figures, from the last test run; fails while it has a hole
	@$(BIN)/python -m tandem_tools.trace write

inspected: setup ## Put on record that you looked at a document: make inspected ID=R-SWR-4 [FOUND="what was found"]
	@$(BIN)/python -m tandem_tools.trace inspected "$(ID)" --found "$(FOUND)"

pages: setup ## Write the pages that are made from tables (docs/faults.md, states.md, console.md, rig.md and its drawing)
	@$(BIN)/python firmware/tests/console/pages.py
	@$(BIN)/python -m tandem_tools.rig.pages

lint: $(PROJECT_STAMP) ## Check style and format; warnings are errors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(PROJECT_STAMP) $(STUBS_STAMP) ## Check types: host tools and tests, then what runs on boards against MicroPython's stubs
	@$(BIN)/pyright --warnings
	@$(BIN)/pyright --warnings --project firmware
	@$(BIN)/pyright --warnings --project hil_tests/rig

format: $(PROJECT_STAMP) ## Lay out all Python files
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

lock: $(PACKAGES_STAMP) ## Pin the packages anew, after a change in pyproject.toml
	@mkdir -p build
	@$(BIN)/python -c 'import tomllib; g = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
		[open(f"build/{n}.in", "w").write("\n".join(g[n]) + "\n") for n in ("dev", "labgrid", "stubs")]'
	@$(call compile_lock,requirements.lock,pyproject.toml build/dev.in)
	@$(call compile_lock,requirements-stubs.lock,build/stubs.in)
	@$(call compile_lock,hil_tests/labgrid/requirements.lock,build/labgrid.in,--no-allow-unsafe --unsafe-package pyserial)

# Hashes come from the public index alone, without this machine's own wheels and mirrors. labgrid's own build of pyserial
# takes the place of pyserial, which mpremote asks for: "unsafe" keeps it out of the lock.
compile_lock = PIP_FIND_LINKS= PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	$(3) --output-file $(1) $(2)

clean: ## Remove what was built, but keep the environment
	@rm -rf build .pytest_cache .ruff_cache .hypothesis __pycache__
	@find firmware boards host_tools hil_tests -name __pycache__ -not -path '*/node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## Remove the environment too
	@rm -rf $(VENV) $(LABGRID) typings $(ENGINE)/node_modules host_tools/*.egg-info

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Tandem needs Python 3.11 as '$(PYTHON)': install it, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(PACKAGES_STAMP): requirements.lock | $(BIN)/python
	@echo "set-up: Python packages into $(VENV) (about a minute)"
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@touch $@

$(PROJECT_STAMP): pyproject.toml $(PACKAGES_STAMP)
	@echo "set-up: Tandem's own tools"
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(LABGRID_STAMP): hil_tests/labgrid/requirements.lock pyproject.toml $(PROJECT_STAMP)
	@echo "set-up: labgrid, with its own build of pyserial, into $(LABGRID)"
	@test -x $(LABGRID)/bin/python || $(PYTHON) -m venv $(LABGRID)
	@$(LABGRID_PIP) --require-hashes --no-deps -r hil_tests/labgrid/requirements.lock
	@$(LABGRID_PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STUBS_STAMP): requirements-stubs.lock $(PACKAGES_STAMP)
	@echo "set-up: MicroPython's stubs into typings"
	@rm -rf typings
	@$(PIP_INSTALL) --require-hashes --no-deps --target typings -r requirements-stubs.lock
	@touch $@

$(ENGINE_STAMP): $(ENGINE)/package.json $(ENGINE)/package-lock.json $(PROJECT_STAMP)
	@rm -rf $(ENGINE)/node_modules
	@$(BIN)/python -c "from tandem_tools.bench import ensure_engine; ensure_engine()"
	@touch $@
