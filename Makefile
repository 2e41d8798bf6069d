# Everything runs in ./.venv with a uv of its own in ./.tools; nothing outside this folder is touched.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
CORPUS ?= corpus
TESTS ?= tests

TOOLS := $(CURDIR)/.tools
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN := $(VENV)/bin

export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# A company's proxy has its own certificates, and the system knows them.
export UV_SYSTEM_CERTS := true
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types imports bench advisories shape docs pythons setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(UV) ## set up and run the main job (ARGS=--exit leaves at the end)
	@$(UV) sync --quiet --frozen --inexact --no-dev --extra demo --python "$(PYTHON)"
	@$(RUN)/paved demo $(ARGS)

test: setup ## set up and run the tests (TESTS=path, ARGS=pytest options)
	$(RUN)/python -m pytest -n auto --dist worksteal $(TESTS) $(ARGS)

check: format lint types imports test ## all that CI does

format: setup ## fail on code that is not formatted
	$(RUN)/ruff format --check .

lint: setup ## ruff
	$(RUN)/ruff check .

types: setup ## mypy, strict
	$(RUN)/mypy

imports: setup ## the layers and their arrows
	$(RUN)/lint-imports

bench: setup ## measure beside the peers, write docs/benchmarks.md (slow: installs the peers)
	$(RUN)/python bench/run.py $(ARGS)

advisories: setup ## run the probe of every advisory under both versions (slow: installs them)
	$(RUN)/python bench/advisories.py $(ARGS)

corpus: setup ## how often the rules of `paved check` are right (CORPUS=folder of checkouts, ARGS=--unjudged)
	$(RUN)/python bench/corpus.py "$(CORPUS)" $(ARGS)

shape: setup ## sizes, cycles, public names, start-up time; nothing fails but cycles
	$(RUN)/python bench/shape.py

docs: setup ## write the generated pages of docs/
	$(RUN)/python docs/generate.py

pythons: $(UV) ## the tests on each other Python that is here (3.12, 3.13)
	@for version in 3.12 3.13; do \
	  if command -v python$$version >/dev/null && python$$version -c '' 2>/dev/null; then \
	    $(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else echo "python$$version is not here: skipped"; fi; \
	done

setup: $(UV)
	@$(UV) sync --quiet --frozen --all-extras --python "$(PYTHON)"

# pip's --target writes nowhere else and works on distributions that guard their own Python.
$(TOOLS)/bin/uv:
	@echo "fetching uv into .tools (once)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --target "$(TOOLS)" uv 2>/dev/null \
	  || { $(PYTHON) -m venv "$(TOOLS)/venv" && "$(TOOLS)/venv/bin/pip" install --quiet uv \
	       && mkdir -p "$(TOOLS)/bin" && ln -sf "$(TOOLS)/venv/bin/uv" "$(TOOLS)/bin/uv"; }
	@test -x $@

clean: ## remove what make made
	rm -rf .venv .venv-3.* .tools dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
