# Two commands are all the set-up: `make demo` and `make test`. Both need Python 3.11 with pip and nothing else.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test fast check corpora fuzz bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/deidrelease demo --out demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not corpora" -n 2 --durations=10

fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not corpora and not slow" -n 2

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Real corpora, by path: make corpora CORPORA=../shared/corpora
corpora: $(VENV)/.installed-dev
	DEIDRELEASE_CORPORA=$(CORPORA) $(BIN)/python -m pytest -m corpora

# Every reader of corpora, 100,000 broken inputs each; coverage-guided: PYTHONPATH=tests python -m fuzz.readers --help
fuzz: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz.readers
	PYTHONPATH=tests $(BIN)/python -m fuzz.policies
	PYTHONPATH=tests $(BIN)/python -m fuzz.bundles

# The audits' benchmarks need MEDDOCAN: make bench CORPORA=../shared/corpora
bench: $(VENV)/.installed-dev
	$(PIP) -e ".[presidio]"
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/sampling.py
	$(if $(CORPORA),$(BIN)/python benchmarks/audit.py verbatim memory replay near ci --megabytes 5 --synthetic 300 --corpora $(CORPORA))

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	# torch first and pinned: a range would let pip fetch gigabytes of CUDA libraries that a CPU has no use for.
	$(PIP) torch
	$(PIP) -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e ".[test,dev,starters,presidio,ray,dp]"
	touch $@

clean:
	rm -rf $(VENV) demo
