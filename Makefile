# Two commands do everything on a fresh machine with Python >= 3.11, git and make:
#   make demo    the whole loop on real flights, ending with a summary
#   make test    the tests
PYTHON ?= python3
# Tests run in so many processes; 0 is this one alone.
JOBS ?= 0
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow extras orchestrators check lint types layers docs docs-examples bench format clean

$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tidewheel needs Python 3.11 or newer; run: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python -c 'from tidewheel.kernel import warm; warm()'
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m examples.flights_2013

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# Dagster and Prefect, apart: what they ask for is not what tidewheel asks for.
orchestrators: .venv-orchestrators/.ready

.venv-orchestrators/.ready: requirements-orchestrators.txt
	test -x .venv-orchestrators/bin/python || $(PYTHON) -m venv .venv-orchestrators
	.venv-orchestrators/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-orchestrators.txt
	touch .venv-orchestrators/.ready

extras: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-extras.txt
	test -x .venv-airflow/bin/python || $(PYTHON) -m venv .venv-airflow
	.venv-airflow/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-airflow.txt

check: lint types docs-examples

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

docs-examples: $(READY)
	$(BIN)/python -m pytest --doctest-modules --doctest-ignore-import-errors src/tidewheel

docs: $(READY)
	$(BIN)/python docs/windows.py
	test ! -f demo-summary.json || $(BIN)/python docs/figures.py

bench: $(READY)
	$(BIN)/python -m benchmarks $(NAME)

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .venv-airflow .venv-orchestrators .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-run demo-summary.json
