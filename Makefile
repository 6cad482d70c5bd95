# Two commands: `make demo` and `make test`. Each first installs whatever is missing.

PYTHON ?= python3
BIN := .venv/bin
# Stamps of two installations: the libraries of the demo; the tools of tests and linters.
READY := .venv/ready
TOOLS := .venv/tools
AXE := node_modules/axe-core/axe.min.js
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

FUZZ_SECONDS ?= 60

.PHONY: demo test lint types unit notebooks audit mutants fuzz clean

demo: $(READY)
	$(BIN)/python -m pipelines.run

test: lint types unit notebooks

lint: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TOOLS)
	$(BIN)/mypy

# Two processes take one file of tests at a time, so that the tests of a file share their fixtures.
# Each computes on one core: threads of two processes that share the cores would wait for each other.
unit: $(TOOLS) $(AXE)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

notebooks: $(TOOLS)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --nbmake notebooks

# Fails if a pinned library has a known weakness, and also if the advisories are unavailable:
# a check that could not be done is not a pass.
audit: $(READY)
	$(INSTALL) -e ".[audit]"
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt \
	    2> .venv/audit.log && echo "audit: no known weakness in constraints.txt" \
	    || { grep '^Found' .venv/audit.log || \
	    echo "audit: not done: the advisories are unavailable; see .venv/audit.log"; exit 1; }

# Takes about twenty minutes on two cores; an interrupted run resumes.
mutants: $(TOOLS)
	$(INSTALL) -e ".[mutation]"
	$(BIN)/mutmut run
	$(BIN)/mutmut results

fuzz: $(TOOLS)
	$(INSTALL) -e ".[fuzz]"
	$(BIN)/python tests/fuzz.py $(FUZZ_SECONDS)

# axe-core checks that pages are accessible. Without it, the tests that need it are skipped.
$(AXE):
	@if command -v npm > /dev/null; then npm install --prefix . --no-save --no-package-lock --ignore-scripts \
	    --silent --fetch-retries 0 --fetch-timeout 20000 axe-core@4 > /dev/null 2>&1 || true; fi

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

$(TOOLS): $(READY)
	$(INSTALL) -e ".[dev]"
	touch $@

clean:
	rm -rf .venv node_modules runs mutants .mypy_cache .pytest_cache .ruff_cache
