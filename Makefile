# Needs Python 3.11 or newer and make, nothing else. PYTHON=python3.12 make test picks another one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint examples oldest clean

demo: $(VENV)/ready
	$(BIN)/python examples/plot_first_steps.py

test: $(VENV)/ready
	$(BIN)/python -m pytest -q -n 2

lint: $(VENV)/ready
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

examples: $(VENV)/ready
	for script in examples/plot_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# the contract once more on the oldest scikit-learn that is supported; of its own checks, those of both faces and of a list
oldest: $(VENV)-oldest/ready
	$(VENV)-oldest/bin/python -m pytest -q -n 2 \
		-k "not estimators_checks or MetaClassifier or MetaRegressor or lr" tests/test_estimators_checks.py \
		tests/test_estimators_contract.py tests/test_estimators_routing.py tests/test_preprocessing.py tests/test_text.py

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'sklmeta needs Python 3.11 or newer')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(VENV)-oldest/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --disable-pip-version-check "scikit-learn==1.6.*" --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
