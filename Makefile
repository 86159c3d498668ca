# Everything that a person or a machine runs here. Needs Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
# a test, or a fit beside another, must not fight it for the cores
ALONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
PAIR := OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 NUMBA_NUM_THREADS=2

.PHONY: demo test lint types floors unit test-faults bench bench-nas docs clean

demo: .venv/core        ## read, recommend, fit and predict on the bundled log
	$(BIN)/recmeta recommend examples/shop.csv
	$(BIN)/recmeta fit examples/shop.csv --time 30s --memory 2GiB --out demo.recmeta
	$(BIN)/recmeta predict demo.recmeta --users customer-0001 -k 5

test: .venv/test lint types floors unit   ## all that must hold

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test
	$(BIN)/mypy

floors: .venv/test
	$(BIN)/lint-imports

unit: .venv/test        ## as many tests at a time as there are cores
	$(ALONE) $(BIN)/python -m pytest -n auto --dist worksteal

test-faults: .venv/test ## minutes of real faults: kills, hangs, full disks, 1,000 tasks
	$(ALONE) $(BIN)/python -m pytest tests/faults -m faults

bench: .venv/bench      ## ours beside the best peer, in one run
	$(PAIR) $(BIN)/python benchmarks/run.py

bench-nas: .venv/test   ## predictors, transfer and search on the NAS tables beside the checkout
	$(ALONE) $(BIN)/recmeta nas evaluate --tables ../shared/nas --seeds 3 --predictors RandomForest,Boosting,BayesianLinear
	$(ALONE) $(BIN)/python benchmarks/curves.py --methods LastValue CurveTrees --seeds 1

docs: .venv/core        ## the table of algorithms and a page for each, from the classes
	$(BIN)/python docs/generate.py

.venv/core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e .
	touch $@

.venv/test: .venv/core
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	touch $@

.venv/bench: .venv/test
	$(BIN)/pip install -q -c constraints.txt -e '.[test,bench]'
	touch $@

clean:                  ## the environment, the caches and what the demo wrote
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache demo.recmeta
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
