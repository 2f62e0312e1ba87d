# make lab   open JupyterLab on the first notebook        make test   lint, types, import rules and every test
# Both make a virtual environment in .venv with the first Python 3.11+ found; PYTHON=... chooses another.

PYTHON ?=
JOBS   ?= 2
SEEDS  ?= 300
VENV   := .venv
RUN    := $(VENV)/bin/python
FIRST  := 00_overlay_in_a_box.ipynb
PIP    := $(RUN) -m pip --disable-pip-version-check --quiet --no-input

.DEFAULT_GOAL := help
.PHONY: help lab console test lint style notebooks datasets matrix bench soak clean

help:
	@echo "make lab        install into $(VENV) and open JupyterLab on the first notebook"
	@echo "make console    the instructor's console without its cells, in Voilà"
	@echo "make test       install the tools too, then lint, types, import rules and every test"
	@echo "make lint       lint, types and import rules without the tests"
	@echo "make notebooks  build notebooks/*.ipynb and notebooks/solutions/*.ipynb from notebooks/source"
	@echo "make datasets   write datasets/ anew from its seeds"
	@echo "make matrix     run every threat against every defence on 20 seeds, and put the figures among the data"
	@echo "make bench      figures against floors measured in the same run"
	@echo "make soak       random schedules of faults (SEEDS=$(SEEDS))"
	@echo "make clean      remove $(VENV) and what tools left behind"

# A version manager may offer commands that do not run, and Debian ships Python without ensurepip: try each one.
$(RUN):
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || { bare="$${bare:-$$python}"; continue; }; \
	    echo "Making $(VENV) with $$("$$python" -V)"; \
	    exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$bare" ]; then \
	    echo "$$bare cannot make virtual environments: install its venv package (on Debian: apt-get install python3-venv)." >&2; \
	else \
	    echo "Python 3.11 or newer is needed, and none was found (looked for: $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python))." >&2; \
	fi; \
	exit 1

$(VENV)/lab.stamp: pyproject.toml | $(RUN)
	@echo "Installing the lab (a minute or two the first time)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(RUN)
	@echo "Installing the lab and its tools (a minute or two the first time)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/lab.stamp

# The settings keep JupyterLab from asking for news, updates and extensions; root needs to be told that it may.
lab: $(VENV)/lab.stamp
	@JUPYTER_CONFIG_PATH="$(CURDIR)/notebooks/.jupyter" \
	    $(RUN) -m jupyterlab --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/$(FIRST) \
	    $$([ "$$(id -u)" != 0 ] || echo --allow-root) $(LABFLAGS)

# The template leaves out what Voilà's own page asks of the network.
console: $(VENV)/dev.stamp
	@JUPYTER_PATH="$(CURDIR)/notebooks/.jupyter" $(RUN) -m voila notebooks/I0_instructors_console.ipynb \
	    --template=offline $(LABFLAGS)

style: $(VENV)/dev.stamp
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check . && $(VENV)/bin/lint-imports

lint: style
	@$(RUN) -m mypy

# The types keep one core busy for half a minute: the tests begin meanwhile.
test: style
	@$(RUN) -m mypy & types=$$!; trap 'kill $$types 2>/dev/null; exit 130' INT; \
	    $(RUN) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --nbval-lax $(TESTFLAGS); \
	    tests=$$?; wait $$types || { echo "mypy found errors: they stand above." >&2; exit 1; }; \
	    exit $$tests

notebooks: $(VENV)/dev.stamp
	@$(RUN) notebooks/build.py

datasets: $(VENV)/lab.stamp
	@$(RUN) datasets/generate.py

# What was run is in build/matrix/runs.jsonl, and is not run again while the source stays as it is.
matrix: $(VENV)/dev.stamp
	@$(RUN) -m lab matrix --seeds 20 --others 2 --out build/matrix
	@$(RUN) datasets/publish.py build/matrix/matrix.json
	@$(RUN) datasets/generate.py

bench: $(VENV)/dev.stamp
	@$(RUN) -m lab bench

soak: $(VENV)/dev.stamp
	@$(RUN) -m lab soak --seeds $(SEEDS)

clean:
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
