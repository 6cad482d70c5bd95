# Two commands: `make demo` and `make test`. Each sets up what is missing first.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint types unit notebooks clean

demo: $(READY)
	$(BIN)/python -m pipelines.run

test: lint types unit notebooks

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest

notebooks: $(READY)
	$(BIN)/pytest --nbmake notebooks

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf .venv runs .mypy_cache .pytest_cache .ruff_cache
