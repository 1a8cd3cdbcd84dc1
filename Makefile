# Every target makes .venv and installs into it first, once: a second call installs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STRICT := $(wildcard notebooks/0[0-5]*.ipynb)
BENCHMARKS := $(filter-out eurosat loops mutations targets,$(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py)))
LAX := $(filter-out $(STRICT),$(wildcard notebooks/*.ipynb))

EXTRAS := heic photos registry test zoo
COMPILE := $(BIN)/uv pip compile -q --no-config --universal --python-version 3.11 --no-annotate \
  --custom-compile-command 'make lock' pyproject.toml

UNIT := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

.PHONY: help run lab handouts test test-all unit notebooks slow test-pythons coverage lint docs lock audit bench mutations outputs clean

help:
	@echo "make run       run every notebook and write build/handouts, for students and for tutors"
	@echo "make lab       open copies of the notebooks in JupyterLab; what you change in them is kept"
	@echo "make handouts  write build/handouts from the outputs that are stored in the notebooks"
	@echo "make test      everything that is tested in less than ten minutes"
	@echo "make test-all  the same and what takes longer"
	@echo "make test-pythons  unit tests on every Python that there is, and with the oldest dependencies"
	@echo "make coverage  the unit tests, and which lines of the package none of them runs"
	@echo "make lint      style, types and dependencies of the code"
	@echo "make docs      a site of the notebooks, the docs and the reference of the package, into build/docs"
	@echo "make lock      write constraints.txt, and requirements.lock with hashes, from pyproject.toml"
	@echo "make audit     look for known vulnerabilities in all pinned versions; list what make installs in build/sbom.json"
	@echo "make bench     the benchmarks behind the numbers, into benchmarks/results"
	@echo "make mutations  slips in the by-hand mathematics that its tests must notice; an hour"
	@echo "make outputs   run the notebooks and store their outputs in them, for authors"
	@echo "make clean     remove what the others made, but not $(VENV), the cache, or what you wrote in work"

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), but Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv; install it (on Debian and Ubuntu: sudo apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[heic,photos,registry,test,zoo]'
	@touch $@

# What cannot be fetched is said by the first line; the notebooks that do without it run all the same.
run: $(STAMP)
	@$(BIN)/tlhelpers prefetch || true
	@$(BIN)/tlhelpers run

lab: $(STAMP)
	@$(BIN)/tlhelpers lab

handouts: $(STAMP)
	@$(BIN)/tlhelpers handouts

test: unit notebooks

test-all: test slow

unit: $(STAMP)
	$(UNIT)

notebooks: $(STAMP)
	$(if $(STRICT),$(BIN)/pytest --nbval --nbval-current-env $(STRICT))
	$(if $(LAX),$(BIN)/pytest --nbval-lax --nbval-current-env $(LAX))

slow: $(STAMP)
	$(BIN)/pytest -m "slow or hypothesis" --hypothesis-profile=full

test-pythons: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[pythons]'
	$(BIN)/python -m tools.pythons

coverage: $(STAMP)
	$(UNIT) --cov --cov-report=term

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/deptry .

# A warning fails, also one about a link that leads nowhere. The site needs no network.
docs: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	rm -rf build/docs
	$(BIN)/sphinx-build -q -W -c docs . build/docs
	@echo "The site begins at build/docs/index.html."

# What constraints.txt pins stays, unless pyproject.toml asks for something else. To move a version, change its line first.
lock: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[pythons]'
	$(COMPILE) --all-extras -o constraints.txt
	$(COMPILE) $(EXTRAS:%=--extra %) --constraint constraints.txt --generate-hashes --no-strip-extras -o requirements.lock

audit: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[audit]'
	$(BIN)/python -m tools.audit

bench: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[int8,race]'
	@set -e; for name in $(BENCHMARKS); do echo "$$name"; $(BIN)/python -m benchmarks.$$name; done

mutations: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[mutation]'
	$(BIN)/python -m benchmarks.mutations

outputs: $(STAMP)
	@$(BIN)/python -m tools.store_outputs

clean:
	@test ! -d build || find build -depth -not -path 'build/handouts/work*' -not -path 'build/handouts/kept*' -not -path build/handouts -not -path build -delete
	rm -rf dist .pytest_cache .ruff_cache .hypothesis
	find tlhelpers tests benchmarks notebooks -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +
